import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds apps/segmentation and what it imports; gives the output if that failed, nothing otherwise. */
export const buildApp = () => build('@atrous/segmentation');

/** Builds a package and what it imports; gives the output if that failed, nothing otherwise. */
export function build(name) {
  const turbo = ['turbo', 'run', 'build', `--filter=${name}`, '--output-logs=errors-only'];
  // inside pnpm its tools are on the path already; anywhere else (npx vitest, an editor) pnpm comes first
  const [command, ...args] = process.env.npm_config_user_agent?.startsWith('pnpm/')
    ? turbo
    : [process.execPath, fileURLToPath(new URL('pnpm.mjs', import.meta.url)), 'exec', ...turbo];
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? undefined : `${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`;
}
