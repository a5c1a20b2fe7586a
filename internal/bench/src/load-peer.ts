import { createRequire } from 'node:module';

const require = createRequire(new URL('../peers/package.json', import.meta.url));

/**
 * A package of `peers/`, or undefined where it is not installed (`npm run bench` installs it).
 *
 * @param apart a dependency of which the package gets an instance of its own, although another package has loaded it
 */
export function loadPeer<T>(name: string, apart?: string): T | undefined {
  if (apart !== undefined)
    for (const path of Object.keys(require.cache))
      if (path.includes(`/node_modules/${apart}/`)) delete require.cache[path];
  try {
    return require(name) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

export const notInstalled = 'not installed; `npm run bench` installs it';
