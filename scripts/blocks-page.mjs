// `npm run docs:blocks`: writes docs/blocks.md anew, by the test that compares it, told to update.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const pnpm = fileURLToPath(new URL('pnpm.mjs', import.meta.url));
const args = [pnpm, 'exec', 'vitest', 'run', '--project', 'blocks', 'test/page.test.ts', '--update'];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
