/** The dataflow of a block as a Mermaid chart: its children, and the operations that connect them. */
import { type Graph, input, type Node, type Shape, type Tensor, type Tree, trace } from '@atrous/core';
import { type ChildCall, observeCalls } from '../../src/block.js';
import { dependents } from '../../src/traced.js';
import type { AnyBlock } from '../entry.js';

/** A child or an operation of the chart. */
interface Box {
  readonly text: string;
  readonly isOperation: boolean;
  readonly from: readonly number[];
}

const leavesOf = (tree: Tree): readonly Tensor[] =>
  'dtype' in tree && 'shape' in tree
    ? [tree as Tensor]
    : Object.values(tree).flatMap((child) => leavesOf(child as Tree));

/** The traced block with the nodes of the graph where each call of a child begins and ends. */
function tracedCalls(block: AnyBlock, shapes: readonly Shape[]) {
  const calls: ChildCall[] = [];
  const parameters = Object.fromEntries(
    Object.entries(block.parameters).map(([name, { shape }]) => [name, input(shape, 'float32', name)]),
  );
  const { graph, output } = trace(
    (given) => ({
      result: observeCalls(
        (call) => calls.push(call),
        () => block.apply(given.parameters, ...given.inputs),
      ),
      // listed as outputs, so that the graph tells their nodes
      calls: calls.map((call) => ({ inputs: call.inputs, output: call.output })),
    }),
    { inputs: shapes.map((shape) => input(shape)), parameters },
  );
  const nodes = graph.outputs.values();
  const next = (tree: Tree) => leavesOf(tree).map(() => nodes.next().value!);
  const result = next(output.result);
  return {
    graph,
    result,
    calls: calls.map(({ name, inputs, output: own }) => ({ name, from: next(inputs), to: next(own) })),
  };
}

/**
 * The chart of a block on inputs of these shapes.
 *
 * @returns Mermaid source, without a fence
 */
export function figure(block: AnyBlock, shapes: readonly Shape[]): string {
  const { graph, result, calls } = tracedCalls(block, shapes);
  const given = graph.inputs.slice(0, shapes.length);
  const isData = dependents(graph, given);
  const callAt = new Map(
    calls
      .flatMap((call) => call.to.map((node) => [node, call] as const))
      .filter(([node, call]) => !call.from.includes(node)),
  );
  const boxes: Box[] = [];
  const boxOf = new Map<number, number>();
  const calledBox = new Map<unknown, number>();

  const add = (box: Box): number => boxes.push(box) - 1;
  const sources = (nodes: readonly number[]) => [...new Set(nodes.filter((n) => isData[n]).map(visit))];

  function visit(index: number): number {
    const known = boxOf.get(index);
    if (known !== undefined) return known;
    const box = make(index);
    boxOf.set(index, box);
    return box;
  }

  function make(index: number): number {
    const node = graph.nodes[index]!;
    const position = given.indexOf(index);
    if (position >= 0)
      return add({
        text: `input${shapes.length > 1 ? ` ${position + 1}` : ''}<br/>${sizeText(node.shape)}`,
        isOperation: true,
        from: [],
      });
    const call = callAt.get(index);
    if (call !== undefined) {
      const shared = calledBox.get(call);
      if (shared !== undefined) return shared;
      const from = sources(call.from);
      const inside = nodesBetween(graph, call.from, call.to).filter((n) => isData[n.index]);
      const text = [
        call.name,
        contents(
          graph,
          inside.map(({ node: inner }) => inner),
        ),
        sizeText(node.shape),
      ];
      const box = add({ text: text.filter((line) => line !== '').join('<br/>'), isOperation: false, from });
      calledBox.set(call, box);
      return box;
    }
    // another name for the same values
    if (node.kind === 'reshape' || node.kind === 'broadcast') return visit(node.inputs[0]!);
    const from = sources(node.inputs);
    return add({ text: operation(node), isOperation: true, from });
  }

  const ends = result.map(visit);
  return chart(boxes, ends);
}

function chart(boxes: readonly Box[], ends: readonly number[]): string {
  const lines = boxes.map(({ text, isOperation }, i) =>
    isOperation ? `  n${i}(["${text}"])` : `  n${i}["${text}"]`,
  );
  const edges = boxes.flatMap(({ from }, i) => from.map((j) => `  n${j} --> n${i}`));
  const outputs = [...new Set(ends)].map((end, k) => `  n${end} --> o${k}(["output"])`);
  return ['flowchart TD', ...lines, ...edges, ...outputs].join('\n');
}

const sizeText = ([, ...sizes]: Shape): string => sizes.join(' × ');

/** Nodes that the outputs of a call need, back to its inputs. */
function nodesBetween(graph: Graph, from: readonly number[], to: readonly number[]) {
  const found = new Map<number, Node>();
  const stack = [...to];
  while (stack.length > 0) {
    const index = stack.pop()!;
    if (found.has(index) || from.includes(index)) continue;
    found.set(index, graph.nodes[index]!);
    stack.push(...graph.nodes[index]!.inputs);
  }
  return [...found].map(([index, node]) => ({ index, node }));
}

/** What a child consists of, in a few words. */
function contents(graph: Graph, nodes: readonly Node[]): string {
  const convolutions = nodes.filter(({ kind }) => kind === 'conv' || kind === 'convTranspose');
  const windows = convolutions.flatMap(({ reach }) => (reach && 'axes' in reach ? [reach.axes] : []));
  if (convolutions.length === 1 && windows.length === 1) {
    const axes = windows[0]!.map((axis) => ('kernel' in axis ? axis : undefined));
    const rates = [...new Set(axes.map((axis) => axis?.dilation))].join('×');
    const [node] = convolutions as [Node];
    const channels = graph.nodes[node.inputs[0]!]!.shape[1]!;
    const isDepthwise = node.kind === 'conv' && node.groups > 1 && node.groups === channels;
    return [
      isDepthwise ? 'depthwise' : '',
      axes.map((axis) => axis?.kernel).join('×'),
      axes.some((axis) => (axis?.kernel ?? 1) > 1) && rates !== '1' ? `rate ${rates}` : '',
    ]
      .filter((word) => word !== '')
      .join(' ');
  }
  if (convolutions.length > 1) {
    const rates = new Set(
      windows.flat().flatMap((axis) => ('kernel' in axis && axis.kernel > 1 ? [axis.dilation] : [])),
    );
    const list = [...rates].sort((a, b) => a - b).join(', ');
    return `${convolutions.length} convolutions${list === '' || list === '1' ? '' : `, rates ${list}`}`;
  }
  const kinds = new Set(
    nodes.filter(({ kind }) => kind !== 'reshape' && kind !== 'broadcast').map(operation),
  );
  return [...kinds].reverse().slice(0, 3).join(', ');
}

/** The name of an operation. */
function operation(node: Node): string {
  switch (node.kind) {
    case 'unary':
    case 'binary':
      return node.fn;
    case 'pool':
      return `${node.fn} pool`;
    case 'reduce':
      return `${node.fn} over all positions`;
    case 'resize':
      return `resize to ${node.shape.slice(2).join(' × ')}`;
    default:
      return node.kind;
  }
}
