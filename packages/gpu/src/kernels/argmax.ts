import type { Graph, NodeOf } from '@atrous/core';
import { half } from '../dtype.js';
import { type Launch, launch, type Operand, type Recipe, type View } from '../kernel.js';
import { type AxisView, axisView, rowsView } from '../layout.js';
import { onePerAxis } from './axis.js';
import { bothPlanes, launchPairs, lessThan, readPair } from './int32.js';

/** The first index of the largest element along an axis; NaN counts as larger than anything. */
export function argmax(node: NodeOf<'argmax'>, graph: Graph): Recipe {
  const from = graph.nodes[node.inputs[0]!]!;
  const around = axisView(from.shape, node.axis);
  const search = from.dtype === 'int32' ? searchInt32(around) : searchFloat(around);
  const indices: Operand = { launch: 0 };
  const output: View = rowsView(node.shape);
  const split = launchPairs({
    output,
    arrays: [{ name: 'x', from: indices, view: output }],
    body: [
      'const best = x[z][this.thread.y][this.thread.x];',
      `const vh = Math.floor(best / ${half});`,
      `const vl = best - vh * ${half};`,
    ].join('\n'),
  });
  return { algorithm: 'search', launches: [search, split] };
}

function searchFloat(around: AxisView): Launch {
  const { output, depth, at: behind } = onePerAxis(around);
  const at = (k: string) => `x[${depth}]${behind(k)}`;
  return launch({
    output,
    arrays: [{ name: 'x', from: { input: 0 }, view: around.view }],
    scalars: { count: around.size },
    body: [
      `let largest = ${at('0')};`,
      'let best = 0;',
      'for (let k = 1; k < count; k += 1) {',
      `const e = ${at('k')};`,
      'if (largest === largest && (e > largest || !(e === e))) { largest = e; best = k; }',
      '}',
      'return best;',
    ].join('\n'),
  });
}

function searchInt32(around: AxisView): Launch {
  const { output, depth, at } = onePerAxis(around);
  const read = (name: string, k: string) => readPair(name, 'x', around.view[0], depth, at(k));
  return launch({
    output,
    arrays: [{ name: 'x', from: { input: 0 }, view: bothPlanes(around.view) }],
    scalars: { count: around.size },
    body: [
      read('v', '0'),
      'let best = 0;',
      'for (let k = 1; k < count; k += 1) {',
      read('e', 'k'),
      `if (${lessThan('v', 'e')}) { vh = eh; vl = el; best = k; }`,
      '}',
      'return best;',
    ].join('\n'),
  });
}
