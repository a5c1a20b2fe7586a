/** The worker: what takes time happens here, in a Web Worker as in one of Node. */
import { serve } from './worker/api.js';

const here = globalThis.process?.getBuiltinModule?.('node:worker_threads').parentPort ?? globalThis;

serve(here as unknown as Pick<MessagePort, 'addEventListener'>);
