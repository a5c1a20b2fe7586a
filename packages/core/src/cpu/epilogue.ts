import type { HostKernel, HostValue } from '../backend/host.js';
import type { Epilogue, FusedNode } from '../fuse.js';
import type { NodeOf, Values } from '../graph.js';
import { binaryFunctions, unaryFunctions } from '../reference/pointwise.js';

/**
 * Applies the epilogue of a node in place to the planes `firstPlane … lastPlane - 1` of its output, a plane being one
 * channel of one sample.
 */
export function applyEpilogue(
  node: FusedNode,
  inputs: readonly HostValue[],
  output: Values,
  firstPlane: number,
  lastPlane: number,
): void {
  for (const step of node.epilogue ?? []) {
    const operand = step.kind === 'binary' ? inputs[step.operand] : undefined;
    forEachPlane(node, firstPlane, lastPlane, (plane, start, end) =>
      applyStep(step, node, operand, output, plane, start, end),
    );
  }
}

const channelsOf = (node: FusedNode) => node.shape[1] ?? 1;

/** Number of planes of a node: samples times channels. */
export const planesOf = (node: FusedNode): number => (node.shape[0] ?? 1) * channelsOf(node);

function forEachPlane(
  node: FusedNode,
  first: number,
  last: number,
  visit: (plane: number, start: number, end: number) => void,
): void {
  const size = node.shape.slice(2).reduce((a, b) => a * b, 1);
  for (let plane = first; plane < last; plane++) visit(plane, plane * size, (plane + 1) * size);
}

function applyStep(
  step: Epilogue,
  node: FusedNode,
  operand: HostValue | undefined,
  output: Values,
  plane: number,
  start: number,
  end: number,
): void {
  if (step.kind === 'unary' && step.fn === 'relu') {
    for (let i = start; i < end; i++) if (output[i]! < 0) output[i] = 0;
    return;
  }
  if (step.kind === 'unary') {
    const fn = unaryFunctions[step.fn];
    for (let i = start; i < end; i++) output[i] = fn(output[i]!);
    return;
  }
  if (step.kind === 'clip') {
    const { min, max } = step;
    for (let i = start; i < end; i++) output[i] = Math.min(Math.max(output[i]!, min), max);
    return;
  }
  const { data } = operand!;
  if (data.length === output.length && isWhole(operand!, node))
    combine(step.fn, node, output, data, start, end);
  else
    combineWithOne(
      step.fn,
      node,
      output,
      data[data.length === 1 ? 0 : plane % channelsOf(node)]!,
      start,
      end,
    );
}

/** Whether an operand has one value per element, not per channel. */
const isWhole = (operand: HostValue, node: FusedNode) =>
  operand.shape.every((size, axis) => size === node.shape[axis]);

function combine(
  fn: Extract<Epilogue, { kind: 'binary' }>['fn'],
  node: FusedNode,
  output: Values,
  data: Values,
  start: number,
  end: number,
): void {
  if (fn === 'add' && node.dtype === 'float32') {
    for (let i = start; i < end; i++) output[i] = output[i]! + data[i]!;
    return;
  }
  const apply = binaryFunctions(node.dtype)[fn];
  for (let i = start; i < end; i++) output[i] = apply(output[i]!, data[i]!);
}

function combineWithOne(
  fn: Extract<Epilogue, { kind: 'binary' }>['fn'],
  node: FusedNode,
  output: Values,
  value: number,
  start: number,
  end: number,
): void {
  if (fn === 'add' && node.dtype === 'float32')
    for (let i = start; i < end; i++) output[i] = output[i]! + value;
  else if (fn === 'mul' && node.dtype === 'float32')
    for (let i = start; i < end; i++) output[i] = output[i]! * value;
  else {
    const apply = binaryFunctions(node.dtype)[fn];
    for (let i = start; i < end; i++) output[i] = apply(output[i]!, value);
  }
}

/** A pointwise node with its epilogue: the left operand is copied, everything after happens in place. */
export const pointwise: HostKernel = (node, inputs, output) => {
  const [left] = inputs as readonly [HostValue];
  const head: readonly Epilogue[] =
    node.kind === 'unary' || node.kind === 'clip'
      ? [node]
      : [{ kind: 'binary', fn: (node as NodeOf<'binary'>).fn, operand: 1 }];
  if (isWhole(left, node)) output.set(left.data);
  else
    forEachPlane(node, 0, planesOf(node), (plane, start, end) =>
      output.fill(left.data[left.data.length === 1 ? 0 : plane % channelsOf(node)]!, start, end),
    );
  applyEpilogue(
    { ...node, epilogue: [...head, ...(node.epilogue ?? [])] },
    inputs,
    output,
    0,
    planesOf(node),
  );
};
