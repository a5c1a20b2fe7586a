import type { Graph, NodeOf } from '@atrous/core';
import { type Launch, launch, type Recipe, type View } from '../kernel.js';
import { type AxisView, axisView, product } from '../layout.js';
import { reduceAxis } from './reduce.js';

/** Group normalisation in stages: mean, squared distances to it, their mean, quotients. */
export function groupNorm(node: NodeOf<'groupNorm'>, graph: Graph): Recipe {
  const { shape } = graph.nodes[node.inputs[0]!]!;
  const groups = shape[0]! * node.groups;
  const size = product(shape) / groups;
  // A group's channels and positions lie side by side: rows as wide as a picture's, so that they are not too long.
  const columns = shape.at(-1)!;
  const view: View = [groups, size / columns, columns];
  const around: AxisView = axisView([groups, size], 1);
  const perGroup: View = [groups, 1, 1];
  const each = '[this.thread.z][this.thread.y][this.thread.x]';
  const shared = '[this.thread.z][0][0]';
  const launches: Launch[] = reduceAxis(around, 'sum', { input: 0 }, 0, { divisor: size });
  const mean = launches.length - 1;
  launches.push(
    launch({
      output: view,
      arrays: [
        { name: 'x', from: { input: 0 }, view },
        { name: 'mean', from: { launch: mean }, view: perGroup },
      ],
      body: `const distance = x${each} - mean${shared};\nreturn distance * distance;`,
    }),
  );
  launches.push(
    ...reduceAxis(around, 'sum', { launch: launches.length - 1 }, launches.length, { divisor: size }),
  );
  launches.push(
    launch({
      output: view,
      arrays: [
        { name: 'x', from: { input: 0 }, view },
        { name: 'mean', from: { launch: mean }, view: perGroup },
        { name: 'variance', from: { launch: launches.length - 1 }, view: perGroup },
      ],
      scalars: { epsilon: node.epsilon },
      body: `return (x${each} - mean${shared}) / Math.sqrt(variance${shared} + epsilon);`,
    }),
  );
  return { algorithm: 'stages', launches };
}
