/** The sums of a convolution as text. */
import type { AxisWindow, Shape } from '@atrous/core';
import { product } from '../layout.js';
import { maxUnrolled } from '../parts.js';
import type { ConvNode } from './conv.js';
import {
  type AxisTap,
  axisTaps,
  planeReader,
  positionOf,
  type Three,
  threeAxes,
  threeWindows,
} from './taps.js';

/** An array of input planes that is summed over. */
export interface ConvPart {
  readonly name: string;
  /** Names of its first plane that the output reads, and of the scalar that holds how many follow. */
  readonly first: string;
  readonly channels: string;
  /** Counts the planes; gpu.js's WGSL has one scope for all loops of a kernel. */
  readonly counter: string;
  readonly count: number;
  /** The channel of the weights that belongs to the first plane. */
  readonly start: number;
}

export interface ConvSum {
  readonly algorithm: 'direct' | 'looped';
  /** Statements that leave the sum in `v`, or the sums of channels `o0` … `o3` in `v0` … `v3`. */
  readonly lines: readonly string[];
  readonly scalars: Readonly<Record<string, number>>;
}

/**
 * The sum of one output channel `o`, or the sums of four, over all planes of the parts.
 *
 * Kernels of many taps are loops: unrolled, they would be too long for drivers.
 *
 * @param x the shape of a part; all have the same spatial axes
 */
export function convSum(node: ConvNode, x: Shape, parts: readonly ConvPart[], outputs: 1 | 4): ConvSum {
  const taps = product(node.reach.axes.map(({ kernel }) => kernel));
  const ids = outputs === 1 ? [''] : ['0', '1', '2', '3'];
  return taps > maxUnrolled ? loopedSum(node, x, parts[0]!, ids) : unrolledSum(node, x, parts, ids);
}

const declare = (ids: readonly string[]) => ids.map((id) => `let v${id} = 0;`);

const accumulate = (ids: readonly string[], value: string, { counter, start }: ConvPart, tap: string) =>
  ids.map((id) => {
    const channel = start === 0 ? counter : `${counter} + ${start}`;
    return `v${id} += ${value} * weight[o${id}][${channel}][${tap}];`;
  });

function unrolledSum(node: ConvNode, x: Shape, parts: readonly ConvPart[], ids: readonly string[]): ConvSum {
  const input = threeAxes(x);
  const out = threeAxes(node.shape);
  const windows = threeWindows(node.reach.axes);
  const reader = planeReader(x);
  const position = positionOf(out);
  const axes = windows.map((window, i) =>
    axisTaps(window, input[i]!, out[i]!, position.names[i]!, ['d', 'h', 'w'][i]!),
  ) as unknown as Three<ReturnType<typeof axisTaps>>;
  const lines = [...position.lines, ...axes.flatMap((axis) => axis.lines)];
  const terms = parts.map((): string[] => []);
  const [ds, hs, ws] = axes.map((axis) => axis.taps) as unknown as Three<readonly AxisTap[]>;
  for (const d of ds)
    for (const h of hs)
      for (const w of ws) {
        const tap = (d.tap * windows[1].kernel + h.tap) * windows[2].kernel + w.tap;
        lines.push(...reader.declare(`at${tap}`, d.index, h.index, w.index));
        const conditions = [d, h, w].flatMap(({ inside }) => (inside === undefined ? [] : [inside]));
        if (conditions.length > 0)
          lines.push(`let in${tap} = 0;`, `if (${conditions.join(' && ')}) { in${tap} = 1; }`);
        parts.forEach((part, p) => {
          const read = `${part.name}${reader.read(`${part.first} + ${part.counter}`, `at${tap}`)}`;
          const name = parts.length === 1 ? String(tap) : `${tap}of${p}`;
          terms[p]!.push(`const x${name} = ${read};`);
          // A choice between values that are there: a read inside it would be a branch, and drivers take exponential
          // time to compile many of them. A product would let infinities through.
          if (conditions.length > 0) terms[p]!.push(`const q${name} = (in${tap} > 0 ? x${name} : 0);`);
          const value = conditions.length > 0 ? `q${name}` : `x${name}`;
          terms[p]!.push(...accumulate(ids, value, part, String(tap)));
        });
      }
  const loops = parts.flatMap(({ channels, counter }, p) => [
    `for (let ${counter} = 0; ${counter} < ${channels}; ${counter} += 1) {`,
    ...terms[p]!,
    '}',
  ]);
  return {
    algorithm: 'direct',
    lines: [...lines, ...declare(ids), ...loops],
    scalars: Object.fromEntries(parts.map(({ channels, count }) => [channels, count])),
  };
}

function loopedSum(node: ConvNode, x: Shape, part: ConvPart, ids: readonly string[]): ConvSum {
  const [depth, height, width] = threeAxes(x);
  const [wd, wh, ww] = threeWindows(node.reach.axes);
  const position = positionOf(threeAxes(node.shape));
  const [od, oh, ow] = position.names;
  const reader = planeReader(x);
  const start = (name: string, window: AxisWindow) => `${name} * ${window.stride} - ${window.padBefore}`;
  return {
    algorithm: 'looped',
    scalars: {
      [part.channels]: part.count,
      depthTaps: wd.kernel,
      heightTaps: wh.kernel,
      widthTaps: ww.kernel,
    },
    lines: [
      ...position.lines,
      ...declare(ids),
      'for (let kd = 0; kd < depthTaps; kd += 1) {',
      `const d = ${start(od, wd)} + kd * ${wd.dilation};`,
      'for (let kh = 0; kh < heightTaps; kh += 1) {',
      `const h = ${start(oh, wh)} + kh * ${wh.dilation};`,
      `if (d >= 0 && d < ${depth} && h >= 0 && h < ${height}) {`,
      'for (let kw = 0; kw < widthTaps; kw += 1) {',
      `const q = ${start(ow, ww)} + kw * ${ww.dilation};`,
      `if (q >= 0 && q < ${width}) {`,
      ...reader.declare('at', 'd', 'h', 'q'),
      `for (let ${part.counter} = 0; ${part.counter} < ${part.channels}; ${part.counter} += 1) {`,
      `const e = ${part.name}${reader.read(`${part.first} + ${part.counter}`, 'at')};`,
      ...accumulate(ids, 'e', part, `(kd * ${wh.kernel} + kh) * ${ww.kernel} + kw`),
      '}',
      '}',
      '}',
      '}',
      '}',
      '}',
    ],
  };
}
