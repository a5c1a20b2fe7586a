import { library } from '../../tsup.base.ts';

export default library({ entry: ['src/cli.ts'], platform: 'node', dts: false });
