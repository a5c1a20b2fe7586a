/** Concatenations whose parts are written where they belong. */
import type { Graph } from '@atrous/core';
import { type FusedGraph, isComputed } from '@atrous/core/backend';
import { planesOf } from './dtype.js';
import { type Kernel, type Launch, launch, type Recipe } from './kernel.js';
import { product, rowsView } from './layout.js';
import { residentCount } from './memory.js';

/**
 * Gives results their places: a value that only one concatenation reads is written straight into its part of the array
 * of the concatenation, which is made before the first of them. What something else reads too, and inputs and
 * constants, are copied there. Where no part can be written directly, and where the parts are not in one piece each,
 * the recipe of the concatenation stays.
 */
export function placeParts(graph: FusedGraph, recipes: ReadonlyMap<number, Recipe>): Map<number, Recipe> {
  const placed = new Map(recipes);
  const uses = usesOf(graph);
  for (const [index, recipe] of recipes) {
    const node = graph.nodes[index]!;
    if (node.kind !== 'concat' || !inPieces(node.shape, node.axis, planesOf(node.dtype))) continue;
    const direct = (input: number) => uses[input] === 1 && isProducer(graph, input) && recipes.has(input);
    if (!node.inputs.some(direct)) continue;
    const count = residentCount(node);
    const copies: Launch[] = [];
    let start = 0;
    node.inputs.forEach((input, i) => {
      const size = residentCount(graph.nodes[input]!);
      const place = { start, count };
      start += size;
      if (size === 0) return;
      if (direct(input)) placed.set(input, { ...intoPlace(placed.get(input)!, place), into: index });
      else copies.push(...intoPlace(copyRecipe(i, graph.nodes[input]!.shape), place).launches);
    });
    if (copies.length === 0) placed.delete(index);
    else placed.set(index, { algorithm: recipe.algorithm, launches: copies, into: index });
  }
  return placed;
}

/** How often each value is read, outputs of the graph included. */
function usesOf(graph: Graph): readonly number[] {
  const uses = graph.nodes.map(() => 0);
  for (const { inputs } of graph.nodes) for (const input of inputs) uses[input]!++;
  for (const output of graph.outputs) uses[output]!++;
  return uses;
}

/** A concatenation is no part of another: both would need an array before either is made. */
const isProducer = (graph: Graph, index: number): boolean =>
  isComputed(graph.nodes[index]!) && graph.nodes[index]!.kind !== 'concat';

/** Whether every part lies in one piece. */
const inPieces = (shape: readonly number[], axis: number, planes: number): boolean =>
  planes * product(shape.slice(0, axis)) === 1;

const intoPlace = (recipe: Recipe, place: NonNullable<Kernel['place']>): Recipe => ({
  ...recipe,
  launches: recipe.launches.map((step, i) =>
    i === recipe.launches.length - 1 ? { ...step, kernel: { ...step.kernel, place } } : step,
  ),
});

function copyRecipe(input: number, shape: readonly number[]): Recipe {
  const view = rowsView(shape);
  const body = 'return x[this.thread.z][this.thread.y][this.thread.x];';
  return {
    algorithm: 'copy',
    launches: [launch({ output: view, arrays: [{ name: 'x', from: { input }, view }], body })],
  };
}
