import type { HostKernel } from '../backend/host.js';
import type { Epilogue, FusedNode } from '../fuse.js';
import { referenceKernels } from '../reference/index.js';
import { convert } from './convert.js';
import { applyEpilogue, planesOf, pointwise } from './epilogue.js';
import type { Lowered } from './lower.js';
import type { HostOperation } from './operation.js';
import { makeValue, type Value } from './values.js';

/** Any node, computed in JavaScript on row-major values. */
export function hostOperation(node: FusedNode, index: number, lowered: Lowered): HostOperation {
  const { algorithm, kernel } = hostKernel(node);
  const operands = node.inputs.map((input) => lowered.operand(input));
  return {
    name: lowered.label(index),
    algorithm,
    macs: lowered.macs(node),
    inputs: operands.filter((operand): operand is Value => 'storage' in operand),
    output: makeValue('plain', node.shape, node.dtype),
    operands,
    run: (inputs, output) => kernel(node, inputs, output),
  };
}

function hostKernel(node: FusedNode): { algorithm: string; kernel: HostKernel } {
  switch (node.kind) {
    case 'unary':
    case 'clip':
    case 'binary':
      return { algorithm: 'in place, JavaScript', kernel: pointwise };
    default:
      return {
        algorithm: 'definition, JavaScript',
        kernel: referenceKernels[node.kind as keyof typeof referenceKernels],
      };
  }
}

/** What is left of a node's epilogue, applied to a value in JavaScript: powers, which vectors do not have. */
export function hostEpilogue(
  value: Value,
  epilogue: readonly Epilogue[],
  node: FusedNode,
  index: number,
  lowered: Lowered,
): HostOperation {
  const plain = convert(value, 'plain', lowered.engine, lowered.label(index));
  lowered.add(plain);
  const operands = [plain.output, ...node.inputs.slice(1).map((input) => lowered.operand(input))];
  return {
    name: lowered.label(index),
    algorithm: 'in place, JavaScript',
    macs: 0,
    inputs: operands.filter((operand): operand is Value => 'storage' in operand),
    output: makeValue('plain', node.shape, node.dtype),
    operands,
    run(inputs, output) {
      output.set(inputs[0]!.data);
      applyEpilogue({ ...node, epilogue }, inputs, output, 0, planesOf(node));
    },
  };
}
