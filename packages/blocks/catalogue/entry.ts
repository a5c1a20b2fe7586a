/** What one row of the catalogue holds, and how it is made. */
import type { Block } from '@atrous/blocks';
import type { Shape, Tree } from '@atrous/core';

/** A block of any inputs and outputs. */
// biome-ignore lint/suspicious/noExplicitAny: a block takes the inputs that its example names
export type AnyBlock = Block<any, Tree>;

export interface Example {
  /** The call that makes the block, as source text. */
  readonly code: string;
  readonly make: () => AnyBlock;
  /** Shape of every input, in the order of the block's arguments. */
  readonly inputs: readonly Shape[];
  /** Shape of every output; of several in the order in which the block lists them. */
  readonly outputs: readonly Shape[];
}

export interface CatalogueEntry {
  /** Name of the exported function that makes the block. */
  readonly name: string;
  /** What this row shows, where a function has several: `3-D`. */
  readonly variant?: string | undefined;
  /** Where the block was published or comes from. */
  readonly source: { readonly text: string; readonly link?: string | undefined };
  /** The block in the sizes of its source, which docs/blocks.md describes. Its weights are never made. */
  readonly example: Example;
  /** The block with few channels on a small map: every backend runs it, a GPU in software among them. */
  readonly small: Example;
  /** Ids of golden cases that compare it with PyTorch; why there is none, if there is none. */
  readonly golden: readonly [string, ...string[]] | { readonly none: string };
}

/** A list of rows under one title of docs/blocks.md. */
export interface CatalogueFamily {
  readonly title: string;
  readonly entries: readonly CatalogueEntry[];
}

interface ExampleOf<A extends readonly unknown[]> {
  /** Arguments of the function. */
  readonly args: A;
  /** The call as source text, where an argument is a block or a function. Default: written from `args`. */
  readonly code?: string;
  readonly inputs: readonly Shape[];
  readonly outputs: readonly Shape[];
}

export interface RowOf<A extends readonly unknown[]>
  extends Pick<CatalogueEntry, 'variant' | 'source' | 'golden'> {
  readonly example: ExampleOf<A>;
  readonly small: ExampleOf<A>;
}

/**
 * One row.
 *
 * @param name of the exported function
 * @param factory the function itself; where it is overloaded, a function that calls the overload meant
 */
export function entry<A extends readonly unknown[]>(
  name: string,
  factory: (...args: A) => AnyBlock,
  { example, small, ...row }: RowOf<NoInfer<A>>,
): CatalogueEntry {
  const made = ({ args, code, ...shapes }: ExampleOf<A>): Example => ({
    ...shapes,
    code: code ?? `${name}(${args.map(literal).join(', ')})`,
    make: () => factory(...args),
  });
  return { name, ...row, example: made(example), small: made(small) };
}

/** A plain value as source text. */
function literal(value: unknown): string {
  if (typeof value === 'function')
    throw new Error('catalogue: an argument is a function; give the call as `code`');
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, entryValue]) => `${key}: ${literal(entryValue)}`)
      .join(', ')} }`;
  return typeof value === 'string' ? `'${value}'` : String(value);
}
