import { type Entry, Unsupported } from '../contestant.js';
import { loadPeer, notInstalled } from '../load-peer.js';
import { type Tf, tfjs } from './tfjs.js';

/** tfjs-backend-wasm: XNNPACK with SIMD. */
export const tfjsWasm: Entry = {
  name: 'tfjs-wasm',
  role: 'wasm',
  async make(threads) {
    const tf = loadPeer<Tf>('@tensorflow/tfjs-core');
    if (tf === undefined || loadPeer('@tensorflow/tfjs-backend-wasm') === undefined)
      return new Unsupported(notInstalled);
    // in Node its worker script would be a blob address, which worker_threads refuses
    if (threads > 1) return new Unsupported('has threads in browsers only');
    return tfjs(tf, 'wasm');
  },
};
