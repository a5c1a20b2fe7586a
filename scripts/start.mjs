// `npm start`: builds what the command needs (quietly), then runs it with all arguments.
import { spawn } from 'node:child_process';
import { buildApp } from './build-app.mjs';

const failed = buildApp();
if (failed) {
  console.error(`${failed}\nthe build failed`);
  process.exit(1);
}
const cli = ['apps/segmentation/dist/cli.js', ...process.argv.slice(2)];
const child = spawn(process.execPath, cli, { stdio: 'inherit' });
// Ctrl-C reaches the command too, which ends cleanly and says how to go on; a scheduler's SIGTERM is passed on
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => process.exit(code ?? 1));
