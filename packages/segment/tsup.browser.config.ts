import { readFile } from 'node:fs/promises';
import type { Options } from 'tsup';
import { library } from '../../tsup.base.ts';

/** These files lie one folder deeper, and the weights stay where they are. */
const deeperAssets: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'deeper-assets',
  setup(build) {
    build.onLoad({ filter: /src[\\/]assets\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll("'../assets/", "'../../assets/"),
      loader: 'ts',
    }));
  },
};

/** For pages without a bundler: everything in `dist/browser`, in parts that are loaded when they are needed. */
export default library({
  entry: { index: 'src/index.ts', models: 'src/models/index.ts', worker: 'src/worker.ts' },
  outDir: 'dist/browser',
  platform: 'browser',
  dts: false,
  sourcemap: false,
  minify: true,
  noExternal: [/.*/],
  esbuildPlugins: [deeperAssets],
});
