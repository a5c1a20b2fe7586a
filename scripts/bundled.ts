import { resolve } from 'node:path';
import type { Options } from 'tsup';
import { build, type Plugin } from 'vite';

/** `import text from './worker.ts?bundled'`: a module and all that it imports as the text of one script. */
const suffix = '?bundled';

async function bundle(entry: string, alias: Record<string, string>): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias },
    build: { write: false, target: 'es2022', lib: { entry, formats: ['iife'], name: 'worker' } },
  });
  if (!Array.isArray(built)) throw new Error(`${entry}: vite gave no list of builds`);
  return built[0]!.output[0].code;
}

/** For Vite and vitest. */
export function bundled(alias: Record<string, string> = {}): Plugin {
  return {
    name: 'bundled',
    enforce: 'pre',
    resolveId: (path, importer) =>
      path.endsWith(suffix) && importer ? resolve(importer, '..', path) : undefined,
    load: async (path) =>
      path.endsWith(suffix)
        ? `export default ${JSON.stringify(await bundle(path.slice(0, -suffix.length), alias))};`
        : undefined,
  };
}

/** For tsup. */
export const bundledByTsup: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'bundled',
  setup(builder) {
    builder.onResolve({ filter: /\?bundled$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.slice(0, -suffix.length)),
      namespace: 'bundled',
    }));
    builder.onLoad({ filter: /.*/, namespace: 'bundled' }, async ({ path }) => ({
      contents: await bundle(path, {}),
      loader: 'text',
    }));
  },
};
