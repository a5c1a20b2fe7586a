/** Graphs on their way to a worker: constants travel once, and where memory can be shared they are not copied for each. */
import type { Constant, Graph, Node, Values } from '@atrous/core';

/** A graph whose constants are numbers. */
export interface PostedGraph extends Omit<Graph, 'nodes'> {
  readonly nodes: readonly PostedNode[];
}
type PostedNode = Node | (Omit<Node & { kind: 'constant' }, 'value'> & { readonly constant: number });

/** Numbers and data of constants that a worker does not have yet. */
export type PostedConstants = readonly (readonly [number: number, data: Values])[];

/** One copy of every constant in shared memory for all workers, as long as one of them has it. */
const shared = new WeakMap<Constant, WeakRef<Values>>();

const canShare = (): boolean =>
  typeof SharedArrayBuffer !== 'undefined' &&
  (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;

function dataOf(constant: Constant): Values {
  const { data } = constant;
  if (!canShare()) return data.slice();
  if (data.buffer instanceof SharedArrayBuffer) return data;
  const known = shared.get(constant)?.deref();
  if (known) return known;
  const copy = new (data.constructor as new (buffer: SharedArrayBuffer) => Values)(
    new SharedArrayBuffer(data.byteLength),
  );
  copy.set(data);
  shared.set(constant, new WeakRef(copy));
  return copy;
}

interface Held {
  readonly number: number;
  readonly data: Values;
  users: number;
}

/** What one worker has of constants, by the programs that use them. */
export class PostedSet {
  readonly #held = new Map<Constant, Held>();
  #next = 0;

  /** The graph as it is posted, what must be posted with it, and what it uses. */
  take(graph: Graph): {
    readonly posted: PostedGraph;
    readonly constants: PostedConstants;
    readonly uses: readonly Constant[];
  } {
    const constants: (readonly [number, Values])[] = [];
    const uses = new Set<Constant>();
    const numberOf = (constant: Constant): number => {
      let held = this.#held.get(constant);
      if (!held) {
        held = { number: this.#next++, data: dataOf(constant), users: 0 };
        this.#held.set(constant, held);
        constants.push([held.number, held.data]);
      }
      if (!uses.has(constant)) held.users++;
      uses.add(constant);
      return held.number;
    };
    const nodes = graph.nodes.map((node): PostedNode => {
      if (node.kind !== 'constant') return node;
      const { value, ...rest } = node;
      return { ...rest, constant: numberOf(value) };
    });
    return { posted: { ...graph, nodes }, constants, uses: [...uses] };
  }

  /** The numbers of constants that no program uses any more. */
  release(uses: readonly Constant[]): readonly number[] {
    return uses.flatMap((constant) => {
      const held = this.#held.get(constant)!;
      if (--held.users > 0) return [];
      this.#held.delete(constant);
      return [held.number];
    });
  }
}

/** The graph again, in the worker. */
export const received = (
  { nodes, inputs, outputs }: PostedGraph,
  constants: ReadonlyMap<number, Constant>,
): Graph => ({
  inputs,
  outputs,
  nodes: nodes.map((node): Node => {
    if (!('constant' in node)) return node;
    const { constant, ...rest } = node;
    return { ...rest, value: constants.get(constant)! };
  }),
});
