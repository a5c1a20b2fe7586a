import type { Options } from 'tsup';
import { library } from '../../tsup.base.ts';

/**
 * gpu.js asks for Node's modules with `require`, which an ES module does not have: they come from the process,
 * where there is one, so that one build serves Node and browsers. The native `gl` is left out for good.
 */
const nodeModules: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'node-modules-from-the-process',
  setup(build) {
    build.onResolve({ filter: /^(os|worker_threads|gl)$/ }, ({ path }) => ({ path, namespace: 'process' }));
    build.onLoad({ filter: /.*/, namespace: 'process' }, ({ path }) => ({
      contents:
        path === 'gl'
          ? "throw new Error('gl is not available');"
          : `module.exports = globalThis.process?.getBuiltinModule?.('node:${path}') ?? {};`,
    }));
  },
};

export default library({
  // gpu.js would pull native modules into every install: it travels inside our bundle (THIRD-PARTY-NOTICES)
  noExternal: ['gpu.js'],
  esbuildPlugins: [nodeModules],
  esbuildOptions(options) {
    options.mainFields = ['module', 'main'];
  },
});
