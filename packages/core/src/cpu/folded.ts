/** What a convolution does after its sums: constants folded into weights and bias, the rest in the kernel or after it. */
import type { Epilogue, FusedNode } from '../fuse.js';
import type { Constant } from '../graph.js';
import type { Lowered } from './lower.js';

export interface FoldedEpilogue {
  /** Constants that the fold depends on, and what is done with them: the identity of packed weights. */
  readonly constants: readonly Constant[];
  readonly key: string;
  /** Factor per output channel, applied to the weights. */
  readonly scale: Float64Array;
  /** Added per output channel. */
  readonly bias: Float64Array;
  /** Node added to the result, of its shape. */
  readonly residual?: number;
  /** Bounds of the result. */
  readonly clip?: readonly [number, number];
  /** What is left to do after the kernel. */
  readonly rest: readonly Epilogue[];
}

/** Splits the epilogue of a convolution with `channels` outputs into what the kernel does by itself and the rest. */
export function foldEpilogue(node: FusedNode, channels: number, lowered: Lowered): FoldedEpilogue {
  const scale = new Float64Array(channels).fill(1);
  const bias = new Float64Array(channels);
  const constants: Constant[] = [];
  const functions: string[] = [];
  const steps = [...(node.epilogue ?? [])];

  while (steps.length > 0 && foldOne(steps[0]!)) steps.shift();
  const residual = residualOf(steps[0]);
  if (residual !== undefined) steps.shift();
  const clip = boundsOf(steps[0]);
  if (clip !== undefined) steps.shift();
  return {
    constants,
    key: functions.join(),
    scale,
    bias,
    ...(residual !== undefined && { residual }),
    ...(clip && { clip }),
    rest: steps,
  };

  function foldOne(step: Epilogue): boolean {
    if (step.kind !== 'binary' || !['add', 'sub', 'mul', 'div'].includes(step.fn)) return false;
    const operand = node.inputs[step.operand]!;
    const constant = lowered.constantOf(operand);
    const { shape } = lowered.graph.nodes[operand]!;
    const perChannel = shape.every((size, axis) => size === 1 || (axis === 1 && size === channels));
    if (constant === undefined || !perChannel) return false;
    constants.push(constant);
    functions.push(step.fn);
    for (let c = 0; c < channels; c++) {
      const value = constant.data[constant.data.length === 1 ? 0 : c]!;
      if (step.fn === 'add') bias[c]! += value;
      else if (step.fn === 'sub') bias[c]! -= value;
      else {
        const factor = step.fn === 'mul' ? value : 1 / value;
        scale[c]! *= factor;
        bias[c]! *= factor;
      }
    }
    return true;
  }

  function residualOf(step: Epilogue | undefined): number | undefined {
    if (step?.kind !== 'binary' || step.fn !== 'add') return undefined;
    const operand = node.inputs[step.operand]!;
    const { shape } = lowered.graph.nodes[operand]!;
    const whole = shape.every((size, axis) => size === node.shape[axis]);
    return whole && lowered.constantOf(operand) === undefined ? operand : undefined;
  }
}

function boundsOf(step: Epilogue | undefined): readonly [number, number] | undefined {
  if (step?.kind === 'clip') return [step.min, step.max];
  return step?.kind === 'unary' && step.fn === 'relu' ? [0, Infinity] : undefined;
}
