// `npm run bench`: builds the benchmarks, installs what only they need, then runs them with all arguments.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from './build-app.mjs';

const args = process.argv.slice(2);
const failed = build('@atrous/bench');
if (failed) {
  console.error(`${failed}\nthe build failed`);
  process.exit(1);
}

const option = (name) => {
  const at = args.findLastIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  return at < 0 ? undefined : (args[at].split('=')[1] ?? args[at + 1]);
};

// workspaces of their own, so that nothing else waits for 600 MB of other people's engines
function install(folder) {
  const pnpm = fileURLToPath(new URL('pnpm.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [pnpm, '--dir', `internal/bench/${folder}`, 'install', '--frozen-lockfile'],
    // CI: pnpm asks nothing
    { encoding: 'utf8', env: { ...process.env, CI: 'true' } },
  );
  if (status !== 0) console.error(`${stdout}${stderr}\ninternal/bench/${folder} could not be installed`);
}

const help = args.includes('--help');
if (!help && !args.includes('--tiling') && option('--peers') !== 'none') install('peers');
const nodes = (option('--node') ?? process.env.BENCH_NODE ?? '').split(',');
if (!help && nodes.includes('26')) install('node26');

const { status } = spawnSync(process.execPath, ['internal/bench/dist/main.js', ...args], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
