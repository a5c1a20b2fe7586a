/** What one thread of this machine can do at most in WebAssembly, measured. */
// core's own writer: a second one would be the same code
import { i32, ModuleWriter, v128 } from '../../../packages/core/src/cpu/wasm/encoder.js';
import { detectFeatures } from '../../../packages/core/src/cpu/wasm/features.js';

export interface Roofline {
  /** GFLOP/s on registers only. */
  readonly peak: number;
  /** GB/s of copying, read and written bytes counted. */
  readonly bandwidth: number;
  readonly fma: boolean;
}

/** Enough chains to hide the latency of an operation, few enough to stay in registers. */
const accumulators = 10;
const turns = 100_000;

export function measureRoofline(): Roofline {
  const { fma } = detectFeatures();
  return { peak: measurePeak(fma), bandwidth: measureBandwidth(), fma };
}

function measurePeak(fma: boolean): number {
  const module = new ModuleWriter().function('run', [i32], (f, counter) => {
    const sums = f.locals(v128, accumulators);
    const factor = f.local(v128);
    f.vectorConst(0.5).set(factor);
    f.repeat(counter!, () => {
      for (const sum of sums) {
        if (fma) f.get(sum).get(factor).get(factor).vMultiplyAddRelaxed();
        else f.get(sum).get(factor).vMul().get(factor).vAdd();
        f.set(sum);
      }
    });
    // a result that is stored keeps the loop
    for (const sum of sums) f.const(64).get(sum).vectorStore();
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env: { memory } });
  const run = exports.run as (count: number) => void;
  const fastest = fastestOf(60, () => run(turns));
  return (accumulators * turns * 8) / fastest / 1e6;
}

function measureBandwidth(): number {
  const from = new Float32Array(8 << 20).fill(1);
  const to = new Float32Array(from.length);
  return (2 * from.byteLength) / fastestOf(20, () => to.set(from)) / 1e6;
}

/** Milliseconds of the fastest of some calls: code that has not been optimised yet does not count. */
function fastestOf(count: number, call: () => void): number {
  let fastest = Infinity;
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    call();
    fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest;
}
