import { bundledByTsup } from '../../scripts/bundled.ts';
import { library } from '../../tsup.base.ts';

export default library({
  entry: ['src/index.ts', 'src/files/index.ts', 'src/workers/index.ts'],
  esbuildPlugins: [bundledByTsup],
});
