import type { Epilogue, Graph, NodeOf, Shape } from '@atrous/core';
import type { FusedNode } from '@atrous/core/backend';
import {
  type ArrayArgument,
  type Launch,
  launch,
  maxArrays,
  type Operand,
  type Recipe,
  type View,
} from '../kernel.js';
import { channelsView, planesView, product, rowsView } from '../layout.js';
import { binaryText, clipText, unaryText } from './scalar.js';

/** How a kernel that computes one element names what belongs to that element. */
export interface Place {
  /** The view in which whole operands are read, and the index of the element in it. */
  readonly view: View;
  readonly at: string;
  /** The element's channel. */
  readonly channel: string;
}

/** Statements that apply a float32 epilogue to `v`, and the arguments they need. */
export interface EpilogueText {
  readonly body: string;
  readonly arrays: readonly ArrayArgument[];
  readonly scalars: Readonly<Record<string, number>>;
}

/** One value, one per channel, or one per element. */
export function operandKind(operand: Shape, shape: Shape): 'one' | 'channel' | 'whole' {
  if (operand.length === shape.length && operand.every((size, axis) => size === shape[axis])) return 'whole';
  return product(operand) === 1 ? 'one' : 'channel';
}

export function epilogueText(
  steps: readonly Epilogue[],
  node: FusedNode,
  shapes: readonly Shape[],
  place: Place,
): EpilogueText {
  const lines: string[] = [];
  const arrays: ArrayArgument[] = [];
  const scalars: Record<string, number> = {};
  steps.forEach((step, i) => {
    const id = String(i);
    switch (step.kind) {
      case 'unary':
        lines.push(unaryText[step.fn](id));
        break;
      case 'clip':
        scalars[`low${id}`] = step.min;
        scalars[`high${id}`] = step.max;
        lines.push(clipText(`low${id}`, `high${id}`));
        break;
      case 'binary': {
        const name = `operand${id}`;
        const { view, at } = readOperand(shapes[step.operand]!, node.shape, place);
        arrays.push({ name, from: { input: step.operand }, view });
        lines.push(binaryText[step.fn](id, name + at));
      }
    }
  });
  return { body: lines.join('\n'), arrays, scalars };
}

export function readOperand(operand: Shape, shape: Shape, place: Place): { view: View; at: string } {
  switch (operandKind(operand, shape)) {
    case 'whole':
      return place;
    case 'channel':
      return { view: [1, 1, product(operand)], at: `[0][0][${place.channel}]` };
    case 'one':
      return { view: [1, 1, 1], at: '[0][0][0]' };
  }
}

/** The place of every element alone: as rows, or where something is read per channel, by channels. */
export function elementPlace(shape: Shape, byChannel: boolean): Place {
  const at = '[this.thread.z][this.thread.y][this.thread.x]';
  if (!byChannel) return { view: rowsView(shape), at, channel: '0' };
  const view = channelsView(shape);
  if (view) return { view, at, channel: 'this.thread.y' };
  const channels = shape[1]!;
  const channel =
    shape[0] === 1
      ? 'this.thread.z'
      : `this.thread.z - Math.floor((this.thread.z + 0.5) / ${channels}) * ${channels}`;
  return { view: planesView(shape), at, channel };
}

/** The first steps, with at most `room` operands, and the others. */
export function splitSteps(
  steps: readonly Epilogue[],
  room: number,
): readonly [first: readonly Epilogue[], rest: readonly Epilogue[]] {
  let operands = 0;
  const end = steps.findIndex((step) => step.kind === 'binary' && ++operands > room);
  return end < 0 ? [steps, []] : [steps.slice(0, end), steps.slice(end)];
}

/** Launches that apply steps to a value, element by element, as few as their operands allow. */
export function elementLaunches(
  steps: readonly Epilogue[],
  node: FusedNode,
  shapes: readonly Shape[],
  left: { readonly from: Operand; readonly shape: Shape },
  firstLaunch: number,
): Launch[] {
  const launches: Launch[] = [];
  let { from, shape } = left;
  let rest = steps;
  do {
    const [now, later] = splitSteps(rest, maxArrays - 1);
    const operands = now.flatMap((step) => (step.kind === 'binary' ? [shapes[step.operand]!] : []));
    const kinds = [shape, ...operands].map((operand) => operandKind(operand, node.shape));
    const place = elementPlace(node.shape, kinds.includes('channel'));
    const text = epilogueText(now, node, shapes, place);
    const { view, at } = readOperand(shape, node.shape, place);
    launches.push(
      launch({
        output: place.view,
        arrays: [{ name: 'x', from, view }, ...text.arrays],
        scalars: text.scalars,
        body: `let v = x${at};\n${text.body}\nreturn v;`,
      }),
    );
    from = { launch: firstLaunch + launches.length - 1 };
    shape = node.shape;
    rest = later;
  } while (rest.length > 0);
  return launches;
}

/** The steps of a pointwise node: its own, then its epilogue. */
export const stepsOf = (node: FusedNode): readonly Epilogue[] => [
  node.kind === 'binary'
    ? { kind: 'binary', fn: node.fn, operand: 1 }
    : (node as NodeOf<'unary'> | NodeOf<'clip'>),
  ...(node.epilogue ?? []),
];

/** A pointwise node of float32 with its epilogue. */
export function pointwise(node: FusedNode, graph: Graph): Recipe {
  const shapes = node.inputs.map((input) => graph.nodes[input]!.shape);
  const left = { from: { input: 0 }, shape: shapes[0]! };
  return { algorithm: 'elementwise', launches: elementLaunches(stepsOf(node), node, shapes, left, 0) };
}
