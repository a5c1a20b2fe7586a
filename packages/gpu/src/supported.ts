/** What a device cannot run, as reasons by node. */
import type { Graph, Node } from '@atrous/core';
import { type FusedGraph, isComputed, lastUses } from '@atrous/core/backend';
import type { Limits } from './device.js';
import type { Recipe } from './kernel.js';
import { int32Binary, int32Unary } from './kernels/int32.js';
import { resultProblem, viewProblem } from './layout.js';
import { lower } from './lower.js';
import { residentCount } from './memory.js';

/** The recipe of every node that computes something, or why it has none. */
export function lowerAll(
  graph: FusedGraph,
  limits: Limits,
): { recipes: Map<number, Recipe>; problems: Map<Node, string> } {
  const recipes = new Map<number, Recipe>();
  const problems = new Map<Node, string>();
  const last = lastUses(graph);
  graph.nodes.forEach((node, index) => {
    // What nothing reads is not computed.
    if (last[index] === index && isComputed(node)) return;
    let problem = nodeProblem(node, graph, limits);
    if (problem === undefined && isComputed(node) && residentCount(node) > 0) {
      const recipe = lower(node, graph, limits.quads);
      problem = recipeProblem(recipe, limits);
      recipes.set(index, recipe);
    }
    if (problem !== undefined) problems.set(node, problem);
  });
  return { recipes, problems };
}

function nodeProblem(node: Node, graph: Graph, limits: Limits): string | undefined {
  const count = residentCount(node);
  if (count > limits.maxElements)
    return `${count} elements are more than the ${limits.maxElements} that one array holds here; work on tiles`;
  if (!isComputed(node) || count === 0) return undefined;
  if (node.kind !== 'concat' && node.inputs.some((input) => residentCount(graph.nodes[input]!) === 0))
    return 'an input is empty; use the cpu backend';
  return kindProblem(node);
}

function kindProblem(node: Node): string | undefined {
  if (node.kind !== 'unary' && node.kind !== 'clip' && node.kind !== 'binary') return undefined;
  if (node.dtype === 'uint8') return 'arithmetic of uint8; cast to float32 or int32';
  if (node.dtype !== 'int32' || node.kind === 'clip') return undefined;
  const exact = node.kind === 'unary' ? node.fn in int32Unary : node.fn in int32Binary;
  return exact ? undefined : `${node.fn} of int32; cast to float32, or use the cpu backend`;
}

function recipeProblem({ launches }: Recipe, limits: Limits): string | undefined {
  for (const { kernel } of launches) {
    const problem =
      resultProblem(kernel.output) ??
      kernel.arrays.map(viewProblem).find((reason) => reason !== undefined) ??
      limits.kernelProblem(kernel);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
