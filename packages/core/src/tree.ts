import { describe } from './check.js';
import { OptionError } from './errors.js';
import { Tensor } from './tensor.js';

/** A tensor, a list of trees, or an object of trees: what functions of tensors take and give. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

const maxDepth = 64;

/** The tensors of a tree with their paths (`image`, `features.0`), in a fixed order. */
export function leavesOf(op: string, tree: Tree, path = '', depth = 0): { path: string; tensor: Tensor }[] {
  if (tree instanceof Tensor) return [{ path, tensor: tree }];
  if (depth > maxDepth) throw new OptionError(`${op}: ${path} is nested more than ${maxDepth} deep`);
  if (typeof tree !== 'object' || tree === null || ArrayBuffer.isView(tree))
    throw new OptionError(
      `${op}: ${path || 'the value'} must be a tensor, a list or an object of tensors but is ${describe(tree)}`,
    );
  return Object.entries(tree).flatMap(([key, child]) =>
    leavesOf(op, child as Tree, path === '' ? key : `${path}.${key}`, depth + 1),
  );
}

/** The same tree with other tensors, given in the order of `leavesOf`. */
export function rebuild<T extends Tree>(tree: T, tensors: Iterator<Tensor>): T {
  if (tree instanceof Tensor) return tensors.next().value as T;
  if (Array.isArray(tree)) return tree.map((child: Tree) => rebuild(child, tensors)) as unknown as T;
  return Object.fromEntries(
    Object.entries(tree).map(([key, child]) => [key, rebuild(child as Tree, tensors)]),
  ) as unknown as T;
}
