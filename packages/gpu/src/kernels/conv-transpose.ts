import type { AxisWindow, Graph, NodeOf, Shape } from '@atrous/core';
import type { FusedNode } from '@atrous/core/backend';
import { launch, maxArrays, type Recipe } from '../kernel.js';
import { product } from '../layout.js';
import { planesPlace, sampleText } from './conv.js';
import { elementLaunches, epilogueText, splitSteps } from './pointwise.js';
import { planeReader, positionOf, quotient, type Three, threeAxes, threeWindows } from './taps.js';

export type ConvTransposeNode = NodeOf<'convTranspose'> &
  FusedNode & { readonly reach: { readonly axes: readonly AxisWindow[] } };

/** One tap along one axis: the input that reaches the output by it, and the condition that there is one. */
interface AxisTap {
  readonly tap: number;
  readonly index: string;
  readonly inside: string;
}

/** Kernels with more taps than this are loops: unrolled, they would be too long for drivers. */
const maxUnrolled = 64;

/** Transposed convolution gathered per output, which each tap lets at most one input reach. */
export function convTranspose(node: ConvTransposeNode, graph: Graph): Recipe {
  const shapes = node.inputs.map((input) => graph.nodes[input]!.shape);
  const [x, weight] = shapes as [Shape, Shape];
  const [batch, outChannels] = node.shape as readonly [number, number];
  const perGroup = x[1]! / node.groups;
  const outPerGroup = weight[1]!;
  const taps = product(weight.slice(2));
  const place = planesPlace(node.shape);
  const [fused, rest] = splitSteps(node.epilogue ?? [], maxArrays - 2);
  const epilogue = epilogueText(fused, node, shapes, place);
  const sum = taps > maxUnrolled ? loopedSum(node, x) : unrolledSum(node, x);
  const group = node.groups === 1 ? '0' : quotient('o', outPerGroup);
  return {
    algorithm: 'gathered',
    launches: [
      launch({
        output: place.view,
        arrays: [
          { name: 'x', from: { input: 0 }, view: planeReader(x).view },
          { name: 'weight', from: { input: 1 }, view: [x[1]!, outPerGroup, taps] },
          ...epilogue.arrays,
        ],
        scalars: { channels: perGroup, ...sum.scalars, ...epilogue.scalars },
        body: [
          ...sampleText(batch, outChannels),
          `const group = ${group};`,
          `const firstWeight = group * ${perGroup};`,
          `const first = ${batch === 1 ? '' : `n * ${x[1]} + `}firstWeight;`,
          `const ow = o - group * ${outPerGroup};`,
          ...sum.lines,
          ...(epilogue.body === '' ? [] : [epilogue.body]),
          'return v;',
        ].join('\n'),
      }),
      ...(rest.length === 0
        ? []
        : elementLaunches(rest, node, shapes, { from: { launch: 0 }, shape: node.shape }, 1)),
    ],
  };
}

interface Sum {
  readonly lines: readonly string[];
  readonly scalars: Readonly<Record<string, number>>;
}

const axisNames = ['d', 'h', 'w'] as const;

function unrolledSum(node: ConvTransposeNode, x: Shape): Sum {
  const windows = threeWindows(node.reach.axes);
  const input = threeAxes(x);
  const position = positionOf(threeAxes(node.shape));
  const reader = planeReader(x);
  const lines = [...position.lines];
  const [ds, hs, ws] = windows.map((window, axis) =>
    axisTaps(window, input[axis]!, position.names[axis]!, axisNames[axis]!, lines),
  ) as unknown as Three<readonly AxisTap[]>;
  const terms: string[] = [];
  for (const d of ds)
    for (const h of hs)
      for (const w of ws) {
        const tap = (d.tap * windows[1].kernel + h.tap) * windows[2].kernel + w.tap;
        lines.push(
          ...reader.declare(`at${tap}`, d.index, h.index, w.index),
          `let in${tap} = 0;`,
          `if (${d.inside} && ${h.inside} && ${w.inside}) { in${tap} = 1; }`,
        );
        terms.push(
          `const x${tap} = x${reader.read('first + c', `at${tap}`)};`,
          `v += (in${tap} > 0 ? x${tap} : 0) * weight[firstWeight + c][ow][${tap}];`,
        );
      }
  return {
    lines: [...lines, 'let v = 0;', 'for (let c = 0; c < channels; c += 1) {', ...terms, '}'],
    scalars: {},
  };
}

/** Declares, per tap, the input position, clamped into the input, and whether it is a whole one inside. */
function axisTaps(
  window: AxisWindow,
  input: number,
  at: string,
  name: string,
  lines: string[],
): readonly AxisTap[] {
  return Array.from({ length: window.kernel }, (_, tap) => {
    const id = `${name}${tap}`;
    lines.push(...sourceText(window, input, at, id, String(tap)));
    return { tap, index: id, inside: `${id}In > 0` };
  });
}

/** Input `i` reaches output `o` by tap `t` where `i * stride = o + padBefore − t * dilation`. */
function sourceText(
  { stride, dilation, padBefore }: AxisWindow,
  input: number,
  at: string,
  id: string,
  tap: string,
): string[] {
  return [
    `const ${id}At = ${at} + ${padBefore} - ${tap} * ${dilation};`,
    `let ${id} = Math.floor((${id}At + 0.5) / ${stride});`,
    `let ${id}In = 0;`,
    `if (${id} >= 0 && ${id} < ${input} && ${id} * ${stride} === ${id}At) { ${id}In = 1; }`,
    `if (${id} < 0) { ${id} = 0; }`,
    `if (${id} > ${input - 1}) { ${id} = ${input - 1}; }`,
  ];
}

function loopedSum(node: ConvTransposeNode, x: Shape): Sum {
  const windows = threeWindows(node.reach.axes);
  const input = threeAxes(x);
  const position = positionOf(threeAxes(node.shape));
  const reader = planeReader(x);
  const source = (axis: 0 | 1 | 2) =>
    sourceText(windows[axis], input[axis], position.names[axis], axisNames[axis], `k${axisNames[axis]}`);
  return {
    scalars: {
      depthTaps: windows[0].kernel,
      heightTaps: windows[1].kernel,
      widthTaps: windows[2].kernel,
    },
    lines: [
      ...position.lines,
      'let v = 0;',
      'for (let kd = 0; kd < depthTaps; kd += 1) {',
      ...source(0),
      'for (let kh = 0; kh < heightTaps; kh += 1) {',
      ...source(1),
      'for (let kw = 0; kw < widthTaps; kw += 1) {',
      ...source(2),
      'if (dIn > 0 && hIn > 0 && wIn > 0) {',
      ...reader.declare('at', 'd', 'h', 'w'),
      'for (let c = 0; c < channels; c += 1) {',
      `v += x${reader.read('first + c', 'at')} * weight[firstWeight + c][ow][(kd * ${windows[1].kernel} + kh) * ${windows[2].kernel} + kw];`,
      '}',
      '}',
      '}',
      '}',
      '}',
    ],
  };
}
