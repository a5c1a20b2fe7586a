import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd: string;
  /** Called with what standard error has said so far; may kill the process. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  readonly env?: NodeJS.ProcessEnv;
}

const bin = fileURLToPath(new URL('../../bin/atrous-seg.js', import.meta.url));

/** Runs the built command as a process of its own. */
export function command(args: readonly string[], { cwd, onStderr, env }: CommandOptions): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onStderr?.(stderr, (signal) => child.kill(signal));
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs the command and sends it a signal as soon as its standard error matches. */
export async function stopped(
  args: readonly string[],
  cwd: string,
  signal: NodeJS.Signals,
  when: RegExp,
): Promise<Ended> {
  let sent = false;
  const ended = await command(args, {
    cwd,
    onStderr(text, kill) {
      if (sent || !when.test(text)) return;
      sent = true;
      kill(signal);
    },
  });
  if (!sent) throw new Error(`standard error never matched ${when}:\n${ended.stderr}`);
  return ended;
}
