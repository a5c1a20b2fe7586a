/** Concatenation: branches are computed in their place where possible. */
import type { NodeOf } from '../graph.js';
import { aroundAxis } from '../reference/axes.js';
import { bytesPerElement } from '../shape.js';
import { type Copies, copyPositions, gather } from './gather.js';
import type { Lowering } from './lower.js';
import { hasChannelsLayout, makeValue } from './values.js';

export const lowerConcat: Lowering = (node, index, lowered) => {
  const { axis } = node as NodeOf<'concat'>;
  const channelsLast = hasChannelsLayout(node) && node.inputs.some((input) => lowered.has(input, 'channels'));
  if (!channelsLast) return concatPlain(node, index, lowered);
  return axis === 1 ? concatChannels(node, index, lowered) : concatPositions(node, index, lowered);
};

/** Branches become slices of the channels; what cannot move is copied. */
const concatChannels: Lowering = (node, index, lowered) => {
  const inputs = node.inputs.map((input) => lowered.value(input, 'channels'));
  const output = makeValue('channels', node.shape, node.dtype);
  const copied: Copies[] = [];
  let first = 0;
  for (const x of inputs) {
    const channel = first;
    first += x.shape[1]!;
    if (channel % 4 === 0 && x.storage.movable) x.storage.moveInto(output.storage, channel);
    else
      copied.push({
        x,
        copies: () => [copyPositions(x, output, { outer: 1, run: 0, first: 0, channel })],
      });
  }
  const algorithm =
    copied.length === 0 ? 'in place' : `in place, ${copied.length} of ${inputs.length} copied`;
  return gather(lowered.label(index), algorithm, copied, output, lowered, { inputs });
};

/** Runs of positions of every branch, along the batch or a spatial axis. */
const concatPositions: Lowering = (node, index, lowered) => {
  const { axis } = node as NodeOf<'concat'>;
  const output = makeValue('channels', node.shape, node.dtype);
  const positions = ([batch, , ...spatial]: readonly number[]) =>
    aroundAxis([batch!, ...spatial], axis === 0 ? 0 : axis - 1);
  const [outer, size, inner] = positions(node.shape);
  let first = 0;
  const sources = node.inputs.map((input): Copies => {
    const x = lowered.value(input, 'channels');
    const place = { outer, run: size * inner, first, channel: 0 };
    first += positions(x.shape)[1] * inner;
    return { x, copies: () => [copyPositions(x, output, place)] };
  });
  return gather(lowered.label(index), 'gather', sources, output, lowered);
};

/** Runs of elements of every branch as they stand. */
const concatPlain: Lowering = (node, index, lowered) => {
  const [outer, size, inner] = aroundAxis(node.shape, (node as NodeOf<'concat'>).axis);
  const bytes = bytesPerElement[node.dtype];
  const output = makeValue('plain', node.shape, node.dtype);
  let first = 0;
  const sources = node.inputs.map((input): Copies => {
    const x = lowered.value(input, 'plain');
    const run = x.shape[(node as NodeOf<'concat'>).axis]! * inner;
    const y = bytes * first;
    first += run;
    const rowStride = bytes * size * inner;
    const rows = Int32Array.from({ length: outer }, (_, o) => bytes * run * o);
    return {
      x,
      copies: () =>
        bytes === 4
          ? [{ rows, columns: [0], y, rowStride, stride: 4 * run, kind: 'runs', channels: run }]
          : [
              {
                rows,
                columns: Int32Array.from({ length: run }, (_, i) => i),
                y,
                rowStride,
                stride: 1,
                kind: 'bytes',
                channels: 1,
              },
            ],
    };
  });
  return gather(lowered.label(index), 'gather', sources, output, lowered);
};
