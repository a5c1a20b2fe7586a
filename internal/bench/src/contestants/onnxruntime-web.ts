import { type Entry, Unsupported } from '../contestant.js';
import { loadPeer, notInstalled } from '../load-peer.js';
import { median } from '../statistics.js';
import { common, type Ort, onnxruntime } from './onnxruntime.js';

/** onnxruntime-web on its WebAssembly provider, row-major. */
export const onnxruntimeWeb: Entry = {
  name: 'onnxruntime-web',
  role: 'wasm',
  async make(threads) {
    const ort = loadPeer<Ort>('onnxruntime-web', common);
    if (ort === undefined) return new Unsupported(notInstalled);
    ort.env.wasm.numThreads = threads;
    return onnxruntime(ort, {
      session: { executionProviders: ['wasm'] },
      // 1.30 takes such an array and leaves it as it was
      intoGiven: false,
      copies: copiesThroughHeap,
    });
  },
};

/**
 * It copies its input into the WebAssembly heap and its output out of it, and its API has no way around. What such
 * copies cost is measured on arrays of the same sizes.
 */
function copiesThroughHeap(x: Float32Array, y: Float32Array): number {
  const heap = new Float32Array(x.length + y.length);
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    heap.set(x);
    // it makes a new array for every result
    heap.slice(x.length);
    return performance.now() - start;
  });
  return median(times);
}
