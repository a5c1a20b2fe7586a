import type { AxisSample, Graph, NodeOf, Shape } from '@atrous/core';
import { planesOf } from '../dtype.js';
import { type ArrayArgument, launch, type Recipe } from '../kernel.js';
import { planesView } from '../layout.js';
import { type AxisMap, gather } from './gather.js';
import { planeReader, positionOf, threeAxes } from './taps.js';

export type ResizeNode = NodeOf<'resize'> & { readonly reach: { readonly axes: readonly AxisSample[] } };

/** Resizing: source coordinates are computed in float64 beforehand and read from tables. */
export function resize(node: ResizeNode, graph: Graph): Recipe {
  const from = withPlanes(graph.nodes[node.inputs[0]!]!.shape, planesOf(node.dtype));
  const shape = withPlanes(node.shape, planesOf(node.dtype));
  const origin = knownOrigin(node, graph);
  return node.mode === 'nearest' && origin
    ? nearest(node, from, shape, origin)
    : sampled(node, from, shape, origin);
}

/** Planes of int32 are resized like more samples. */
const withPlanes = ([batch, ...rest]: Shape, planes: number): Shape => [planes * batch!, ...rest];

/** The origin, where it is known when the graph is compiled. */
function knownOrigin(node: ResizeNode, graph: Graph): readonly number[] | undefined {
  const index = node.inputs[1];
  if (index === undefined) return node.reach.axes.map(() => 0);
  const origin = graph.nodes[index]!;
  return origin.kind === 'constant' ? [...origin.value.data] : undefined;
}

const clamp = (i: number, size: number) => Math.min(Math.max(i, 0), size - 1);

function nearest(node: ResizeNode, from: Shape, shape: Shape, origin: readonly number[]): Recipe {
  const maps = shape.map((_, axis): AxisMap => {
    const sample = node.reach.axes[axis - 2];
    if (sample === undefined) return (o) => [[axis, o]];
    return (o) => [
      [axis, clamp(Math.floor(o * sample.scale + sample.offset + origin[axis - 2]!), from[axis]!)],
    ];
  });
  return { algorithm: 'gather', launches: [gather({ from, shape, maps, operand: { input: 0 } })] };
}

/** Rows of a table per axis: whole part of the source coordinate, and the rest, which is below 1 also in float32. */
function sampleTable({ scale, offset }: AxisSample, origin: number, output: number): Float32Array {
  const table = new Float32Array(2 * output);
  for (let o = 0; o < output; o++) {
    const source = o * scale + offset + origin;
    const whole = Math.floor(source);
    table[o] = whole;
    table[output + o] = Math.min(source - whole, 1 - 2 ** -24);
  }
  return table;
}

const names = ['d', 'h', 'w'] as const;

/** Neighbours are found, and in linear mode mixed, per output; `origin` undefined: it is an input. */
function sampled(node: ResizeNode, from: Shape, shape: Shape, origin: readonly number[] | undefined): Recipe {
  const out = threeAxes(shape);
  const input = threeAxes(from);
  const first = 3 - node.reach.axes.length;
  const position = positionOf(out);
  const reader = planeReader(from);
  const arrays: ArrayArgument[] = [{ name: 'x', from: { input: 0 }, view: reader.view }];
  if (origin === undefined)
    arrays.push({ name: 'origin', from: { input: 1 }, view: [1, 1, node.reach.axes.length] });
  const lines = [...position.lines];
  const isLinear = node.mode === 'linear';
  /** Per axis the neighbours to mix; an axis that is left as it is, or is not mixed, has only one. */
  const sides = names.map((name, axis): readonly string[] => {
    const sample = node.reach.axes[axis - first];
    const at = position.names[axis]!;
    if (sample === undefined) return [at];
    const table = `${name}Table`;
    const values = sampleTable(sample, origin?.[axis - first] ?? 0, out[axis]!);
    arrays.push({ name: table, from: { table: values }, view: [2, 1, out[axis]!] });
    lines.push(
      `let ${name}Whole = ${table}[0][0][${at}];`,
      `let ${name}Rest = ${table}[1][0][${at}];`,
      ...(origin === undefined ? shiftText(name, `origin[0][0][${axis - first}]`) : []),
      ...clampText(`${name}0`, `${name}Whole`, input[axis]!),
    );
    if (!isLinear) return [`${name}0`];
    lines.push(...clampText(`${name}1`, `${name}Whole + 1`, input[axis]!));
    return [`${name}0`, `${name}1`];
  });
  let count = 0;
  const mix = (axis: number, at: readonly string[]): string => {
    if (axis === 3) {
      const name = `p${count++}`;
      lines.push(
        ...reader.declare(`${name}At`, at[0]!, at[1]!, at[2]!),
        `const ${name} = x${reader.read('this.thread.z', `${name}At`)};`,
      );
      return name;
    }
    const [low, high] = sides[axis]!;
    const lower = mix(axis + 1, [...at, low!]);
    if (high === undefined) return lower;
    const upper = mix(axis + 1, [...at, high]);
    const name = `m${count++}`;
    const rest = `${names[axis]}Rest`;
    // Without the comparison an infinite neighbour of weight 0 would give NaN.
    lines.push(
      `let ${name} = ${lower};`,
      `if (${rest} > 0) { ${name} = ${lower} * (1 - ${rest}) + ${upper} * ${rest}; }`,
    );
    return name;
  };
  const value = mix(0, []);
  return {
    algorithm: isLinear ? 'linear' : 'gather',
    launches: [
      launch({ output: planesView(shape), arrays, body: [...lines, `return ${value};`].join('\n') }),
    ],
  };
}

/** Adds an origin to a coordinate in two parts, so that nothing is lost of either. */
const shiftText = (name: string, origin: string): string[] => [
  `const ${name}Origin = Math.floor(${origin});`,
  `${name}Whole = ${name}Whole + ${name}Origin;`,
  `${name}Rest = ${name}Rest + (${origin} - ${name}Origin);`,
  `if (${name}Rest >= 1) { ${name}Rest = ${name}Rest - 1; ${name}Whole = ${name}Whole + 1; }`,
];

const clampText = (name: string, value: string, size: number): string[] => [
  `let ${name} = ${value};`,
  `if (${name} < 0) { ${name} = 0; }`,
  `if (${name} > ${size - 1}) { ${name} = ${size - 1}; }`,
];
