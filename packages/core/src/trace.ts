import { OptionError, UnsupportedError } from './errors.js';
import type { Constant, Graph, Node } from './graph.js';
import { formatShape } from './shape.js';
import { expressionOf, makeTensor, type Tensor } from './tensor.js';
import { leavesOf, rebuild, type Tree } from './tree.js';

/**
 * Runs a function once on placeholders and records what it does as a graph.
 *
 * @param fn a pure function of tensors; it may look at shapes, not at values
 * @param example the inputs; only shapes, dtypes and names are used
 * @returns the graph, and the result with its placeholders
 * @throws UnsupportedError if the result depends on an `input()` that is not among the inputs
 */
export function trace<I extends Tree, O extends Tree>(
  fn: (inputs: I) => O,
  example: I,
): { readonly graph: Graph; readonly output: O } {
  const inputs = leavesOf('trace', example).map(({ path, tensor }) => {
    const name = tensor.name ?? (path === '' ? undefined : path);
    return makeTensor({ kind: 'input', inputs: [] }, tensor.shape, tensor.dtype, name);
  });
  const output = fn(rebuild(example, inputs.values()));
  if (output instanceof Promise)
    throw new OptionError('trace: the function must not be async; evaluate what it awaits before');
  const outputs = leavesOf('trace', output).map(({ tensor }) => tensor);
  return { graph: buildGraph(inputs, outputs), output };
}

/** The graph of everything that `outputs` need; iterative, so that depth is not limited by the stack. */
export function buildGraph(inputs: readonly Tensor[], outputs: readonly Tensor[]): Graph {
  const nodes: Node[] = [];
  const indexOf = new Map<Tensor, number>();
  const constants = new Map<Constant, { shape: string; index: number }[]>();

  const append = (tensor: Tensor): number => {
    const { inputs: operands, ...op } = expressionOf(tensor);
    const name = tensor.name === undefined ? {} : { name: tensor.name };
    nodes.push({
      ...op,
      inputs: operands.map((operand) => indexOf.get(operand)!),
      shape: tensor.shape,
      dtype: tensor.dtype,
      ...name,
    });
    return nodes.length - 1;
  };

  /** One node per constant and shape, also where different tensors share it. */
  const appendConstant = (tensor: Tensor, value: Constant): number => {
    const shape = formatShape(tensor.shape);
    const known = constants.get(value) ?? [];
    const same = known.find((entry) => entry.shape === shape);
    if (same) return same.index;
    const index = append(tensor);
    constants.set(value, [...known, { shape, index }]);
    return index;
  };

  for (const tensor of inputs) indexOf.set(tensor, append(tensor));
  const stack = [...outputs].reverse();
  while (stack.length > 0) {
    const tensor = stack.at(-1)!;
    if (indexOf.has(tensor)) {
      stack.pop();
      continue;
    }
    const expression = expressionOf(tensor);
    if (expression.kind === 'input')
      throw new UnsupportedError(
        `the result depends on the input ${tensor.name === undefined ? '' : `'${tensor.name}' `}${formatShape(tensor.shape)}, which has no value here; pass it to the compiled function`,
        { shape: tensor.shape },
      );
    const missing = expression.inputs.filter((operand) => !indexOf.has(operand));
    if (missing.length > 0) {
      for (let i = missing.length - 1; i >= 0; i--) stack.push(missing[i]!);
      continue;
    }
    stack.pop();
    indexOf.set(
      tensor,
      expression.kind === 'constant' ? appendConstant(tensor, expression.value) : append(tensor),
    );
  }
  return {
    nodes,
    inputs: inputs.map((tensor) => indexOf.get(tensor)!),
    outputs: outputs.map((tensor) => indexOf.get(tensor)!),
  };
}
