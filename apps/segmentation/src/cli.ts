import { main } from './cli/main.js';

const cancel = new AbortController();
// once: a second one ends the process at once
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => cancel.abort(name));

// whoever reads the output may stop early (`| head`)
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: cancel.signal,
});
