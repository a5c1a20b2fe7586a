import { AtrousError, OptionError, type Shape, type Tensor, type Tree } from '@atrous/core';
import { checkParameters } from './parameters.js';

/** The identity through layers that copy features or add copies up: see `initialize`. */
export interface FeatureIdentity {
  /** Number of features; the layer has a multiple of it on either side. */
  readonly identity: number;
  /** Standard deviation of all other weights, relative to those of the identity. Default 0. */
  readonly noise?: number | undefined;
}

/** One tensor of weights that a block needs. */
export interface Parameter {
  readonly shape: Shape;
  /** How `initialize` fills it; a number fills it with that number. */
  readonly init: 'kaiming' | 'zeros' | 'ones' | 'identity' | number | FeatureIdentity;
  /** Whether training changes it; false for the running statistics of batch norm. */
  readonly trained: boolean;
}

/** Tensors by parameter name, as in a PyTorch state dict: `convs.0.weight`. */
export type Parameters = Readonly<Record<string, Tensor>>;

/**
 * A part of a network: a function of tensors together with the parameters that it needs. It holds no weights; those
 * are an argument of `apply`, so one block serves any number of weights.
 */
export interface Block<A extends readonly Tree[] = [Tensor], O extends Tree = Tensor> {
  /** Name, shape and initialisation of every parameter, those of the children included. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  /**
   * Computes the outputs, lazily like every op.
   *
   * @param parameters a tensor for every name in `this.parameters` and nothing else; `num_batches_tracked` entries,
   * which PyTorch stores beside batch norms, are ignored
   * @throws ParameterError listing every missing, unexpected and misshapen name; what ops throw, with the path of
   * the child in front: `aspp.atrous_block6: conv2d: …`
   */
  apply(parameters: Parameters, ...inputs: A): O;
}

/** What a block is made of: blocks, parameters, and lists of them (PyTorch's ModuleList, names `0`, `1`, …). */
export type Child = Block<readonly Tree[], Tree> | Parameter | readonly Child[];

/** Children by name; those that are undefined are left out. */
export type Children = Readonly<Record<string, Child | undefined>>;

type BoundChild<C> =
  C extends Block<infer A, infer O>
    ? (...inputs: A) => O
    : C extends Parameter
      ? Tensor
      : C extends readonly unknown[]
        ? Bound<C>
        : undefined;

/** The children as `forward` sees them: a block is a function of its inputs, a parameter is its tensor. */
export type Bound<C> = { readonly [K in keyof C]: BoundChild<C[K]> };

/** The tensor of a parameter, by its name within the block. */
type Lookup = (name: string) => Tensor;

/** Runs a block on parameters that have been checked. */
type Run = (lookup: Lookup, inputs: readonly Tree[]) => Tree;

// Beside the blocks, not on them: a block is what its interface says, whoever made it.
const runs = new WeakMap<object, Run>();

/**
 * Makes a block from named children and a function that connects them.
 *
 * ```ts
 * const residual = block(
 *   { conv: convolution(64, 64, 3, { padding: 2, dilation: 2 }), bn: batchNorm(64) },
 *   (m, x: Tensor) => relu(add(x, m.bn(m.conv(x)))),
 * );
 * ```
 *
 * Names are prefixes of parameter names, as in PyTorch: `conv.weight`. A child that is called twice shares its
 * weights; the same block under two names has weights of its own under each.
 *
 * @param forward a pure function; it may look at shapes, not at values
 * @throws OptionError for a name that is empty or has a dot, and for a child that is none
 */
export function block<const C extends Children, A extends readonly Tree[], O extends Tree>(
  children: C,
  forward: (m: Bound<C>, ...inputs: A) => O,
): Block<A, O> {
  const names = Object.entries(children).filter((entry): entry is [string, Child] => entry[1] !== undefined);
  const parameters = Object.fromEntries(
    names.flatMap(([name, child]) => parametersOf(checkName(name), child)),
  );
  const run = (lookup: Lookup, inputs: A): O => {
    const bound = Object.fromEntries(names.map(([name, child]) => [name, bind(name, child, lookup)]));
    return forward(bound as Bound<C>, ...inputs);
  };
  const made: Block<A, O> = {
    parameters,
    apply(given, ...inputs) {
      checkParameters('apply', parameters, given);
      return run((name) => given[name]!, inputs);
    },
  };
  runs.set(made, run as unknown as Run);
  return made;
}

const isList = (child: Child): child is readonly Child[] => Array.isArray(child);
const isBlock = (child: object): child is Block<readonly Tree[], Tree> =>
  'apply' in child && typeof child.apply === 'function' && 'parameters' in child;
const isParameter = (child: object): child is Parameter => 'shape' in child && Array.isArray(child.shape);

function checkName(name: string): string {
  if (name === '' || name.includes('.'))
    throw new OptionError(
      `block: child name '${name}' must not be ${name === '' ? 'empty' : 'split by a dot; nest blocks instead'}`,
      { name },
    );
  return name;
}

/** Every parameter under one child, by its name within the parent. */
function parametersOf(name: string, child: Child): [string, Parameter][] {
  if (typeof child === 'object' && child !== null) {
    if (isList(child)) return child.flatMap((item, i) => parametersOf(`${name}.${i}`, item));
    if (isBlock(child))
      return Object.entries(child.parameters).map(([inner, parameter]) => [`${name}.${inner}`, parameter]);
    if (isParameter(child)) return [[name, child]];
  }
  throw new OptionError(
    `block: child '${name}' must be a block, a parameter { shape, init, trained } or a list of them`,
    { name, child },
  );
}

function bind(name: string, child: Child, lookup: Lookup): unknown {
  if (isList(child)) return child.map((item, i) => bind(`${name}.${i}`, item, lookup));
  if (isBlock(child))
    return (...inputs: readonly Tree[]) => observed(name, inputs, () => call(name, child, lookup, inputs));
  return lookup(name);
}

/** One call of a child by the outermost block. */
export interface ChildCall {
  /** Name within the block, `convs.0` in lists. */
  readonly name: string;
  readonly inputs: readonly Tree[];
  readonly output: Tree;
}

let observer: ((call: ChildCall) => void) | undefined;

/** Runs a function, and tells every call of a child by the blocks that it applies; not the calls within those. */
export function observeCalls<T>(tell: (call: ChildCall) => void, run: () => T): T {
  const before = observer;
  observer = tell;
  try {
    return run();
  } finally {
    observer = before;
  }
}

function observed(name: string, inputs: readonly Tree[], run: () => Tree): Tree {
  const tell = observer;
  if (tell === undefined) return run();
  observer = undefined;
  try {
    const output = run();
    tell({ name, inputs, output });
    return output;
  } finally {
    observer = tell;
  }
}

function call(
  name: string,
  child: Block<readonly Tree[], Tree>,
  lookup: Lookup,
  inputs: readonly Tree[],
): Tree {
  const own: Lookup = (inner) => lookup(`${name}.${inner}`);
  try {
    const run = runs.get(child);
    if (run !== undefined) return run(own, inputs);
    const given = Object.fromEntries(Object.keys(child.parameters).map((inner) => [inner, own(inner)]));
    return child.apply(given, ...inputs);
  } catch (error) {
    throw error instanceof AtrousError ? error.within(name) : error;
  }
}
