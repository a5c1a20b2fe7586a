import { type Entry, Unsupported } from '../contestant.js';
import { loadPeer, notInstalled } from '../load-peer.js';
import { common, type Ort, onnxruntime } from './onnxruntime.js';

/** onnxruntime-node: native code with the widest vectors of the machine. The yardstick, not a rival. */
export const onnxruntimeNode: Entry = {
  name: 'onnxruntime-node',
  role: 'native',
  async make(threads) {
    const ort = loadPeer<Ort>('onnxruntime-node', common);
    if (ort === undefined) return new Unsupported(notInstalled);
    return onnxruntime(ort, {
      session: { executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1 },
      intoGiven: true,
      // it reads and writes the given arrays themselves
      copies: () => 0,
    });
  },
};
