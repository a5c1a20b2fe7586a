import type { AxisWindow, Graph, NodeOf, Shape } from '@atrous/core';
import { type ArrayArgument, type Launch, launch, type Operand, type Recipe } from '../kernel.js';
import { planesView } from '../layout.js';
import { bothPlanes, launchPairs, lessThan, readPair } from './int32.js';
import { positionOf, type Three, threeAxes, threeWindows } from './taps.js';

export type PoolNode = NodeOf<'pool'> & { readonly reach: { readonly axes: readonly AxisWindow[] } };

/** The positions along one axis that an output sees: from the coordinate `start`, `count` of them, `step` apart. */
interface AxisRange {
  readonly start: string;
  readonly count: string;
  readonly step: number;
}

/** Pooling over windows: one loop per axis over the taps inside. */
export function pool(node: PoolNode, graph: Graph): Recipe {
  const from = graph.nodes[node.inputs[0]!]!.shape;
  const input = threeAxes(from);
  const out = threeAxes(node.shape);
  const position = positionOf(out);
  const lines = [...position.lines];
  const ranges = threeWindows(node.reach.axes).map((window, axis) =>
    windowRange(window, input[axis]!, out[axis]!, position.names[axis]!, names[axis]!, lines),
  ) as unknown as Three<AxisRange>;
  return { algorithm: 'window', launches: [poolLaunch(node, from, ranges, lines, [])] };
}

/** Adaptive pooling: where each output starts and how many positions it sees stands in tables. */
export function adaptivePool(node: NodeOf<'adaptivePool'>, graph: Graph): Recipe {
  const from = graph.nodes[node.inputs[0]!]!.shape;
  const input = threeAxes(from);
  const out = threeAxes(node.shape);
  const position = positionOf(out);
  const lines = [...position.lines];
  const tables: ArrayArgument[] = [];
  const ranges = out.map((size, axis): AxisRange => {
    const name = names[axis]!;
    if (size === 1 && input[axis] === 1) return { start: '0', count: '1', step: 1 };
    const table = `${name}Table`;
    tables.push({ name: table, from: { table: adaptiveTable(input[axis]!, size) }, view: [2, 1, size] });
    const at = position.names[axis]!;
    lines.push(`const ${name}Start = ${table}[0][0][${at}];`, `const ${name}Count = ${table}[1][0][${at}];`);
    return { start: `${name}Start`, count: `${name}Count`, step: 1 };
  }) as unknown as Three<AxisRange>;
  return { algorithm: 'window', launches: [poolLaunch(node, from, ranges, lines, tables)] };
}

const names = ['d', 'h', 'w'] as const;

function adaptiveTable(input: number, output: number): Float32Array {
  const table = new Float32Array(2 * output);
  for (let o = 0; o < output; o++) {
    const start = Math.floor((o * input) / output);
    table[o] = start;
    table[output + o] = Math.ceil(((o + 1) * input) / output) - start;
  }
  return table;
}

/** Declares the first tap inside and the number of taps inside. */
function windowRange(
  { kernel, stride, dilation, padBefore }: AxisWindow,
  input: number,
  output: number,
  at: string,
  name: string,
  lines: string[],
): AxisRange {
  const last = (output - 1) * stride - padBefore + (kernel - 1) * dilation;
  if (kernel === 1 && padBefore === 0 && last < input) {
    const start = at === '0' ? '0' : `${at} * ${stride}`;
    return { start, count: '1', step: 1 };
  }
  lines.push(
    `const ${name}From = ${at} * ${stride} - ${padBefore};`,
    `let ${name}Skip = 0;`,
    `if (${name}From < 0) { ${name}Skip = Math.floor((${dilation - 1} - ${name}From + 0.5) / ${dilation}); }`,
    `const ${name}Start = ${name}From + ${name}Skip * ${dilation};`,
    `let ${name}Count = ${kernel} - ${name}Skip;`,
    `const ${name}Room = Math.floor((${input - 1} - ${name}Start + 0.5) / ${dilation}) + 1;`,
    `if (${name}Room < ${name}Count) { ${name}Count = ${name}Room; }`,
    `if (${name}Count < 0) { ${name}Count = 0; }`,
  );
  return { start: `${name}Start`, count: `${name}Count`, step: dilation };
}

function poolLaunch(
  node: NodeOf<'pool' | 'adaptivePool'>,
  from: Shape,
  ranges: Three<AxisRange>,
  lines: readonly string[],
  tables: readonly ArrayArgument[],
): Launch {
  const output = planesView(node.shape);
  const view = planesView(from);
  const height = threeAxes(from)[1];
  const [d, h, w] = ranges;
  const at = (step: string, range: AxisRange) => (range.step === 1 ? step : `${step} * ${range.step}`);
  const loops = (body: readonly string[]) => [
    `for (let i = 0; i < ${d.count}; i += 1) {`,
    `for (let j = 0; j < ${h.count}; j += 1) {`,
    `const row = (${d.start} + ${at('i', d)}) * ${height} + ${h.start} + ${at('j', h)};`,
    `for (let k = 0; k < ${w.count}; k += 1) {`,
    `const column = ${w.start} + ${at('k', w)};`,
    ...body,
    '}',
    '}',
    '}',
  ];
  const operand: Operand = { input: 0 };
  const index = '[row][column]';
  if (node.dtype === 'int32')
    return launchPairs({
      output,
      arrays: [{ name: 'x', from: operand, view: bothPlanes(view) }, ...tables],
      body: [
        ...lines,
        'let vh = -32768;',
        'let vl = 0;',
        ...loops([
          readPair('e', 'x', view[0], 'z', index),
          `if (${lessThan('v', 'e')}) { vh = eh; vl = el; }`,
        ]),
      ].join('\n'),
    });
  const element = `const e = x[this.thread.z]${index};`;
  const isMax = node.fn === 'max';
  const count = [d, h, w].map((range) => range.count).join(' * ');
  return launch({
    output,
    arrays: [{ name: 'x', from: operand, view }, ...tables],
    scalars: isMax ? { lowest: node.dtype === 'uint8' ? 0 : -Infinity } : {},
    body: [
      ...lines,
      `let v = ${isMax ? 'lowest' : '0'};`,
      ...loops([element, isMax ? 'if (e > v || !(e === e)) { v = e; }' : 'v += e;']),
      ...(isMax ? [] : [`const count = ${count};`, 'if (count > 0) { v = v / count; }']),
      'return v;',
    ].join('\n'),
  });
}
