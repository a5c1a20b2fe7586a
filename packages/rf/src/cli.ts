import manifest from '../package.json' with { type: 'json' };
import { run } from './command/run.js';

const { code, output, error } = run(process.argv.slice(2), manifest.version);
if (output) process.stdout.write(`${output}\n`);
if (error) process.stderr.write(`${error}\n`);
process.exitCode = code;
