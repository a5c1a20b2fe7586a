import type { Graph, NodeOf } from '@atrous/core';
import { type Launch, launch, type Operand, type Recipe } from '../kernel.js';
import { axisView } from '../layout.js';
import { eachElement } from './axis.js';
import { reduceAxis } from './reduce.js';
import { keepNaN } from './scalar.js';

/** Softmax in four steps: largest, exponentials of the distance to it, their sum, quotients. */
export function softmax(node: NodeOf<'softmax'>, graph: Graph): Recipe {
  const around = axisView(graph.nodes[node.inputs[0]!]!.shape, node.axis);
  const { lines, each, shared } = eachElement(around);
  const withShared = (x: Operand, one: Operand, text: string): Launch =>
    launch({
      output: around.view,
      arrays: [
        { name: 'x', from: x, view: around.view },
        { name: 'one', from: one, view: around.resized(1) },
      ],
      body: [...lines, text, 'return v;'].join('\n'),
    });
  const exponential = keepNaN('', 'v = Math.exp(v);');
  const launches = reduceAxis(around, 'max', { input: 0 }, 0);
  launches.push(
    withShared(
      { input: 0 },
      { launch: launches.length - 1 },
      `let v = x${each} - one${shared};\n${exponential}`,
    ),
  );
  const exponentials: Operand = { launch: launches.length - 1 };
  launches.push(...reduceAxis(around, 'sum', exponentials, launches.length));
  launches.push(
    withShared(exponentials, { launch: launches.length - 1 }, `const v = x${each} / one${shared};`),
  );
  return { algorithm: 'stages', launches };
}
