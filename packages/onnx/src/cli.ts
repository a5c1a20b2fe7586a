import manifest from '../package.json' with { type: 'json' };
import { main } from './command/main.js';

const cancel = new AbortController();
// once: a second Ctrl-C ends the process at once
process.once('SIGINT', () => cancel.abort());

// whoever reads the output may stop early (`| head`)
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const { code, output, error } = await main(process.argv.slice(2), manifest.version, cancel.signal);
if (output) process.stdout.write(`${output}\n`);
if (error) process.stderr.write(`${error}\n`);
process.exitCode = code;
