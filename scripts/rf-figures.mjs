// Draws docs/figures/rf-*.svg and fills the tables of packages/rf/README.md anew: the tests that compare them write
// them when told to update.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const pnpm = fileURLToPath(new URL('pnpm.mjs', import.meta.url));
const args = [pnpm, 'exec', 'vitest', 'run', '--project', 'rf', 'figures', 'readme', '--update'];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
