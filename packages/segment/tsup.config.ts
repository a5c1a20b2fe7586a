import { library } from '../../tsup.base.ts';

export default library({
  entry: {
    index: 'src/index.ts',
    models: 'src/models/index.ts',
    worker: 'src/worker.ts',
    // in parts of their own, so that pages get what they show of a model without what runs it
    known: 'src/models/known.ts',
    prepare: 'src/models/prepare.ts',
    picture: 'src/models/picture.ts',
  },
});
