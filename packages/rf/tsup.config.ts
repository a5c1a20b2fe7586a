import { library } from '../../tsup.base.ts';

const entries = ['index', 'influence', 'design', 'report', 'figures'].map((name) => `src/${name}.ts`);

export default library({ entry: [...entries, 'src/cli.ts'], dts: { entry: entries } });
