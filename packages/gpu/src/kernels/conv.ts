import type { AxisWindow, Graph, NodeOf, Shape } from '@atrous/core';
import { type ArrayArgument, launch, maxArrays, type Recipe, type View } from '../kernel.js';
import { planesView, product } from '../layout.js';
import type { PartedNode } from '../parts.js';
import { type ConvPart, type ConvSum, convSum } from './conv-sum.js';
import { elementLaunches, epilogueText, type Place, splitSteps } from './pointwise.js';
import { planeReader, quotient } from './taps.js';

export type ConvNode = NodeOf<'conv'> &
  PartedNode & { readonly reach: { readonly axes: readonly AxisWindow[] } };

/** Products per output below which computing four outputs at once does not pay for sorting them afterwards. */
const minQuadWork = 16;

/**
 * Convolution, gathered per output: taps unrolled, those that no output can use left out, one loop over channels.
 *
 * @param quads whether a thread may compute four output channels, which share what they read of x
 */
export function conv(node: ConvNode, graph: Graph, quads: boolean): Recipe {
  const shapes = node.inputs.map((input) => graph.nodes[input]!.shape);
  const [x, weight] = shapes as [Shape, Shape];
  const outPerGroup = node.shape[1]! / node.groups;
  const work = product(weight.slice(1));
  const useQuads = quads && outPerGroup % 4 === 0 && work >= minQuadWork;
  const parts = partsOf(node, shapes);
  const sum = convSum(node, x, parts, useQuads ? 4 : 1);
  const algorithm = [
    outPerGroup * weight[1]! === 1 ? 'depthwise' : sum.algorithm,
    ...(parts.length > 1 ? [`${parts.length} parts`] : []),
    ...(useQuads ? ['4 channels at once'] : []),
  ].join(', ');
  return { algorithm, launches: (useQuads ? quadLaunches : planeLaunches)(node, shapes, sum) };
}

/** Where the input planes are. */
function partsOf({ parts = [0], groups }: ConvNode, shapes: readonly Shape[]): readonly ConvPart[] {
  let start = 0;
  return parts.map((input, i) => {
    const count = shapes[input]![1]! / groups;
    const id = parts.length === 1 ? '' : String(i);
    const part = {
      name: id === '' ? 'x' : `part${id}`,
      first: `first${id}`,
      channels: `channels${id}`,
      counter: `c${id}`,
      count,
      start,
    };
    start += count;
    return part;
  });
}

/** One output per thread, with as much of the epilogue as fits; the rest follows. */
function planeLaunches(node: ConvNode, shapes: readonly Shape[], sum: ConvSum) {
  const [batch, outChannels] = node.shape as readonly [number, number];
  const place = planesPlace(node.shape);
  const operands = operandsOf(node, shapes);
  const [fused, rest] = splitSteps(node.epilogue ?? [], maxArrays - operands.length);
  const epilogue = epilogueText(fused, node, shapes, place);
  const first = launch({
    output: place.view,
    arrays: [...operands, ...epilogue.arrays],
    scalars: { ...sum.scalars, ...epilogue.scalars },
    body: [
      ...sampleText(batch, outChannels),
      ...channelText(node, shapes),
      ...sum.lines,
      ...(epilogue.body === '' ? [] : [epilogue.body]),
      'return v;',
    ].join('\n'),
  });
  const left = { from: { launch: 0 }, shape: node.shape };
  return rest.length === 0 ? [first] : [first, ...elementLaunches(rest, node, shapes, left, 1)];
}

/** Four neighbouring output channels per thread; the epilogue reads them where they belong. */
function quadLaunches(node: ConvNode, shapes: readonly Shape[], sum: ConvSum) {
  const [batch, outChannels] = node.shape as readonly [number, number];
  const [depth, height, width] = planesView(node.shape);
  const output: View = [depth / 4, height, width];
  const sums = launch({
    output,
    components: 4,
    arrays: operandsOf(node, shapes),
    scalars: sum.scalars,
    body: [
      ...sampleText(batch, outChannels / 4),
      ...[0, 1, 2, 3].map((i) => `const o${i} = o * 4 + ${i};`),
      ...channelText(node, shapes, 'o0'),
      ...sum.lines,
      'return [v0, v1, v2, v3];',
    ].join('\n'),
  });
  const place = planesPlace(node.shape);
  const [fused, rest] = splitSteps(node.epilogue ?? [], maxArrays - 1);
  const epilogue = epilogueText(fused, node, shapes, place);
  const sorted = launch({
    output: place.view,
    arrays: [
      { name: 'quads', from: { launch: 0 }, view: [depth / 4, height * width, 4] },
      ...epilogue.arrays,
    ],
    scalars: epilogue.scalars,
    body: [
      ...sampleText(batch, outChannels),
      `const quad = ${quotient('this.thread.z', 4)};`,
      `let v = quads[quad][this.thread.y * ${width} + this.thread.x][this.thread.z - quad * 4];`,
      ...(epilogue.body === '' ? [] : [epilogue.body]),
      'return v;',
    ].join('\n'),
  });
  const left = { from: { launch: 1 }, shape: node.shape };
  return [sums, sorted, ...(rest.length === 0 ? [] : elementLaunches(rest, node, shapes, left, 2))];
}

function operandsOf(node: ConvNode, shapes: readonly Shape[]): readonly ArrayArgument[] {
  const weight = shapes[1]!;
  const view: View = [node.shape[1]!, weight[1]!, product(weight.slice(2))];
  const inputs = node.parts ?? [0];
  return [
    ...partsOf(node, shapes).map(({ name }, i) => ({
      name,
      from: { input: inputs[i]! },
      view: planeReader(shapes[inputs[i]!]!).view,
    })),
    { name: 'weight', from: { input: 1 }, view },
  ];
}

/** Where an element of `[N, C, …]` is when planes are the depth of the output. */
export function planesPlace(shape: Shape): Place {
  return {
    view: planesView(shape),
    at: '[this.thread.z][this.thread.y][this.thread.x]',
    channel: shape[0] === 1 ? 'this.thread.z' : 'o',
  };
}

/** Declares the sample `n` and the channel `o` of a plane. */
export const sampleText = (batch: number, channels: number): string[] =>
  batch === 1
    ? ['const o = this.thread.z;']
    : [`const n = ${quotient('this.thread.z', channels)};`, `const o = this.thread.z - n * ${channels};`];

/** Declares the first plane of each part that output channel `o` reads. */
function channelText(node: ConvNode, shapes: readonly Shape[], o = 'o'): string[] {
  const { groups, shape } = node;
  const perGroup = shapes[1]![1]!;
  const group = groups === 1 ? '0' : quotient(o, shape[1]! / groups);
  const inSample = group === '0' || perGroup === 1 ? group : `${group} * ${perGroup}`;
  return partsOf(node, shapes).map(
    ({ first, count }) =>
      `const ${first} = ${shape[0] === 1 ? inSample : `n * ${count * groups} + ${inSample}`};`,
  );
}
