import { library } from '../../tsup.base.ts';

export default library({
  entry: ['src/index.ts', 'src/backend/index.ts', 'src/model/index.ts', 'src/safetensors.ts'],
});
