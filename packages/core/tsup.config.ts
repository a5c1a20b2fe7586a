import { library } from '../../tsup.base.ts';

export default library({
  entry: [
    'src/index.ts',
    'src/backend/index.ts',
    'src/model/index.ts',
    'src/safetensors.ts',
    // in parts of their own, so that pages which leave computing to a worker do not load the engine
    'src/errors.ts',
    'src/backend/reply.ts',
    'src/model/source.ts',
  ],
});
