/** Group and instance normalisation: statistics per channel, then per group. */
import type { NodeOf } from '../graph.js';
import { threeAxes } from '../reference/axes.js';
import { type CombinationWork, each, emitCombination, together } from './combine.js';
import { emitGroups } from './kernels/groups.js';
import { emitPointwise, type PointwiseStep, pointwiseName } from './kernels/pointwise.js';
import type { Lowering } from './lower.js';
import { Tables } from './tables.js';
import { addressOf, hasChannelsLayout, makeValue, plus, roundUp } from './values.js';

/** Elements of one task. */
const elementsPerTask = 1 << 18;

/** Subtracts the mean and multiplies by the inverse deviation of every channel. */
const normalise: readonly PointwiseStep[] = [
  { kind: 'binary', fn: 'sub', mode: 'channel' },
  { kind: 'binary', fn: 'mul', mode: 'channel' },
];

/** groupNorm: two passes, since a variance from sums of squares would cancel. */
export const lowerGroupNorm: Lowering = (fused, index, lowered) => {
  const node = fused as NodeOf<'groupNorm'>;
  if (!hasChannelsLayout(node) || node.shape.includes(0)) return undefined;
  const { engine } = lowered;
  const x = lowered.value(node.inputs[0]!, 'channels');
  const output = makeValue('channels', node.shape, node.dtype);
  const tables = new Tables(engine);
  const epsilon = tables.addFloats([node.epsilon]);
  const [batch, channels] = node.shape as readonly [number, number];
  const [depth, height, width] = threeAxes(node.shape);
  const vectors = roundUp(channels, 4) / 4;
  const bytes = 16 * vectors;
  const rows = depth * height;
  return {
    name: lowered.label(index),
    algorithm: 'means, variances, pointwise',
    macs: 0,
    inputs: [x],
    output,
    scratch: bytes * batch * (rows + 2),
    emit(calls, scratch) {
      const perRow = scratch;
      const means = plus(perRow, bytes * batch * rows);
      const squares = plus(means, bytes * batch);
      const pitch = 4 * x.storage.pitch;
      const combine = (work: Omit<CombinationWork, 'vectors' | 'stride'>) =>
        emitCombination(calls, engine, tables, { ...work, vectors, stride: bytes });
      const columns = {
        input: [batch, depth, height, width],
        x: addressOf(x),
        pitch,
      } as const;
      const allRows = {
        lists: [each(batch), together(depth), together(height), each(1)],
        input: [batch, depth, height, 1],
        x: perRow,
        pitch: bytes,
      } as const;
      combine({
        ...columns,
        how: 'mean',
        lists: [each(batch), each(depth), each(height), together(width)],
        y: perRow,
      });
      calls.endPhase();
      combine({ ...allRows, how: 'mean', y: means });
      calls.endPhase();
      for (let n = 0; n < batch; n++)
        combine({
          ...columns,
          how: 'squares',
          lists: [[[n]], each(depth), each(height), together(width)],
          y: plus(perRow, bytes * rows * n),
          centre: plus(means, bytes * n),
        });
      calls.endPhase();
      combine({ ...allRows, how: 'sum', y: squares });
      calls.endPhase();
      for (let n = 0; n < batch; n++)
        calls.call(
          engine.kernel('groups', 'groups', emitGroups),
          node.groups,
          channels / node.groups,
          plus(means, bytes * n),
          plus(squares, bytes * n),
          rows * width,
          epsilon,
        );
      calls.endPhase();
      const kernel = engine.kernel(`pointwise ${pointwiseName('whole', normalise)}`, 'run', (module) =>
        emitPointwise(module, 'whole', normalise),
      );
      const stride = 4 * output.storage.pitch;
      const perTask = Math.max(1, Math.floor(elementsPerTask / (4 * vectors)));
      const positions = rows * width;
      for (let n = 0; n < batch; n++)
        for (let first = 0; first < positions; first += perTask) {
          const at = n * positions + first;
          calls.call(
            kernel,
            plus(addressOf(x), at * pitch),
            plus(addressOf(output), at * stride),
            Math.min(perTask, positions - first),
            vectors,
            pitch,
            stride,
            plus(means, bytes * n),
            plus(squares, bytes * n),
          );
          calls.endTask();
        }
    },
    dispose: () => tables.dispose(),
  };
};
