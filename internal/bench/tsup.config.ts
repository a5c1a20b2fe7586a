import { library } from '../../tsup.base.ts';

export default library({
  entry: { main: 'src/main.ts', session: 'src/session.ts', 'tiling-picture': 'src/tiling/picture.ts' },
  platform: 'node',
  dts: false,
  // of the root's installation
  external: [/^node:/, 'playwright', 'vite'],
});
