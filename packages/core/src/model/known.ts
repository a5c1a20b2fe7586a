import { isComputed, macsOf } from '../backend/plan.js';
import { MemoryError, UnsupportedError } from '../errors.js';
import type { Constant, NodeOf, Values } from '../graph.js';
import { type KernelKind, referenceKernels } from '../reference/index.js';
import { bytesPerElement, elementCount } from '../shape.js';
import { expressionOf, settleTensor, type Tensor } from '../tensor.js';
import { buildGraph } from '../trace.js';

/** Elements that one value may have while shapes are computed; more is no shape arithmetic. */
const defaultMaxElements = 2 ** 20;

/** Multiply-accumulates, and elements read and written, that one value may take. */
const maxWork = 2 ** 27;

const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

/** Whether a tensor's value follows from constants alone. Iterative; looks at each tensor once. */
export function isKnown(tensor: Tensor): boolean {
  const seen = new Set<Tensor>();
  const stack = [tensor];
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const { kind, inputs } = expressionOf(next);
    if (kind === 'input') return false;
    stack.push(...inputs);
  }
  return true;
}

/**
 * The values of a tensor that follows from constants alone, computed at once with the reference kernels: what shape
 * arithmetic in a model file needs. The tensor holds its data afterwards.
 *
 * @returns undefined if the value depends on an input
 * @throws MemoryError if a step has more than `maxElements` elements; UnsupportedError if it is no small computation
 */
export function knownValues(
  tensor: Tensor,
  { maxElements = defaultMaxElements }: { readonly maxElements?: number } = {},
): Values | undefined {
  const expression = expressionOf(tensor);
  if (expression.kind === 'constant') return expression.value.data;
  if (!isKnown(tensor)) return undefined;
  const graph = buildGraph([], [tensor]);
  const { nodes, outputs } = graph;
  const values: Values[] = [];
  let work = 0;
  for (const node of nodes) {
    if (node.kind === 'constant') {
      values.push((node as NodeOf<'constant'> & { value: Constant }).value.data);
      continue;
    }
    if (!isComputed(node)) {
      values.push(values[node.inputs[0]!]!);
      continue;
    }
    const count = elementCount(node.shape);
    if (count > maxElements)
      throw new MemoryError(
        `a constant of ${count} elements (${count * bytesPerElement[node.dtype]} bytes) is to be computed while tracing; the limit is ${maxElements}`,
        { elements: count, maxElements },
      );
    work +=
      macsOf(graph, node) + count + node.inputs.reduce((sum, i) => sum + elementCount(nodes[i]!.shape), 0);
    if (work > maxWork)
      throw new UnsupportedError(
        `a constant would take more than ${maxWork} operations to compute while tracing; compute it beforehand and store it in the file`,
        { work, maxWork },
      );
    const output = new arrays[node.dtype](count);
    const inputs = node.inputs.map((i) => ({ data: values[i]!, shape: nodes[i]!.shape }));
    const steps = referenceKernels[node.kind as KernelKind](node, inputs, output);
    if (steps) for (const _ of steps);
    values.push(output);
  }
  const data = values[outputs[0]!]!;
  settleTensor(tensor, { data });
  return data;
}
