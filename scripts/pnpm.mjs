// Runs the exact pnpm that package.json pins, so that a machine needs only Node and npm.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { packageManager } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
const args = ['--yes', packageManager, ...process.argv.slice(2)];
const { status, error } = spawnSync('npx', args, { stdio: 'inherit', env });
if (error) console.error(`cannot run npx: ${error.message}`);
process.exit(status ?? 1);
