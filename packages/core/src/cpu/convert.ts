import type { Engine } from './engine.js';
import { emitConvert } from './kernels/convert.js';
import type { KernelOperation } from './operation.js';
import { addressOf, type Layout, makeValue, plus, positionsOf, type Value } from './values.js';

/** Bytes that one task moves. */
const taskBytes = 1 << 20;

/** A value in its other layout. */
export function convert(from: Value, to: Layout, engine: Engine, name: string): KernelOperation {
  const output = makeValue(to, from.shape, from.dtype);
  output.storage.clean = true;
  const [batch, channels] = from.shape as readonly [number, number];
  const positions = positionsOf(from.shape) / batch;
  const kernelFor = (count: number) =>
    engine.kernel('convert', `${to === 'channels' ? 'toChannels' : 'toPlain'}${count}`, emitConvert);
  return {
    name,
    algorithm: to === 'channels' ? 'channels last' : 'row-major',
    macs: 0,
    inputs: [from],
    output,
    emit(calls) {
      const [last, plain] = to === 'channels' ? [output, from] : [from, output];
      const pitch = 4 * last.storage.pitch;
      const perTask = Math.max(4, Math.floor(taskBytes / (4 * channels) / 4) * 4);
      for (let n = 0; n < batch; n++)
        for (let start = 0; start < positions; start += perTask) {
          const count = Math.min(perTask, positions - start);
          for (let c = 0; c < channels; c += 4) {
            const width = Math.min(4, channels - c);
            const rows = plus(addressOf(plain), 4 * ((n * channels + c) * positions + start));
            const columns = plus(addressOf(last), (n * positions + start) * pitch + 4 * c);
            if (to === 'channels') calls.call(kernelFor(width), rows, columns, count, 4 * positions, pitch);
            else calls.call(kernelFor(width), columns, rows, count, pitch, 4 * positions);
          }
          calls.endTask();
        }
    },
  };
}
