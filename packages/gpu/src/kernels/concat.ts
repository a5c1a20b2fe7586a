import type { Graph, NodeOf } from '@atrous/core';
import type { FusedNode } from '@atrous/core/backend';
import { planesOf } from '../dtype.js';
import { type ArrayArgument, type Launch, launch, maxArrays, type Operand, type Recipe } from '../kernel.js';
import { axisView } from '../layout.js';

/** Parts of one launch; one more argument is what is already done. */
const perLaunch = maxArrays - 1;

/**
 * Concatenation along one axis, a few parts per launch: every element finds the part that it lies in. What is
 * already concatenated is the first part of the next launch.
 */
export function concat(node: NodeOf<'concat'> & FusedNode, graph: Graph): Recipe {
  const planes = planesOf(node.dtype);
  const parts = node.inputs.flatMap((input, i) => {
    const size = graph.nodes[input]!.shape[node.axis]!;
    return size === 0 ? [] : [{ from: { input: i } as Operand, size }];
  });
  const around = (size: number) =>
    axisView([planes, ...node.shape.map((s, i) => (i === node.axis ? size : s))], node.axis + 1);
  const launches: Launch[] = [];
  for (let next = 0; next < parts.length; next += perLaunch) {
    const chunk = parts.slice(next, next + perLaunch);
    const before = parts.slice(0, next).reduce((sum, { size }) => sum + size, 0);
    if (next > 0) chunk.unshift({ from: { launch: launches.length - 1 }, size: before });
    launches.push(concatLaunch(chunk, around));
  }
  return { algorithm: 'copy', launches };
}

function concatLaunch(
  parts: readonly { readonly from: Operand; readonly size: number }[],
  around: (size: number) => ReturnType<typeof axisView>,
): Launch {
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  const { view, rows, isLast } = around(total);
  const side = isLast ? 'this.thread.x' : 'this.thread.y';
  const lines: string[] = [];
  let start = 0;
  const arrays = parts.map(({ from, size }, i): ArrayArgument => {
    const name = `x${i}`;
    const own = start === 0 ? side : `${side} - ${start * rows}`;
    const conditions = [
      ...(start === 0 ? [] : [`${side} >= ${start * rows}`]),
      ...(i === parts.length - 1 ? [] : [`${side} < ${(start + size) * rows}`]),
    ];
    const at = isLast ? `[this.thread.y][${own}]` : `[${own}][this.thread.x]`;
    const take = `v = ${name}[this.thread.z]${at};`;
    lines.push(conditions.length === 0 ? take : `if (${conditions.join(' && ')}) { ${take} }`);
    start += size;
    return { name, from, view: around(size).view };
  });
  return launch({ output: view, arrays, body: `let v = 0;\n${lines.join('\n')}\nreturn v;` });
}
