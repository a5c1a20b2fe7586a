import { type AxisWindow, type Graph, type Node, UnsupportedError } from '@atrous/core';
import { type Interval, needed, type ReachGraph } from '@atrous/rf';
import { alongAxis, dependents, labelOf } from './graphs.js';
import { clip, type Slab } from './slabs.js';

/** The graph of one slab. Inputs: fresh rows of the picture, the other inputs, kept rows. Outputs: fresh rows, kept rows. */
export interface SlabGraph {
  readonly graph: Graph;
  /** Nodes of the network whose kept rows are inputs, after its own inputs, and outputs, after its own outputs. */
  readonly keptBefore: readonly number[];
  readonly keptAfter: readonly number[];
  /** Which outputs of the network have fresh rows. */
  readonly outputs: readonly number[];
  /** Whether fresh rows of the picture are read. */
  readonly picture: boolean;
}

/** Mirrored rows lie up to the whole padding away on the other side of the border. */
function withMirrors(network: ReachGraph, graph: Graph): ReachGraph {
  const nodes = network.nodes.map((node, n) => {
    const { kind, reach } = graph.nodes[n]! as Node & { mode?: string };
    if (kind !== 'pad' || reach?.type !== 'window' || (graph.nodes[n] as { mode: string }).mode !== 'reflect')
      return node;
    const [window] = (node.reach as { axes: readonly AxisWindow[] }).axes as [AxisWindow];
    const far = 2 * Math.max(0, window.padBefore, window.padAfter);
    const wider = {
      ...window,
      kernel: 2 * far + 1,
      padBefore: window.padBefore + far,
      padAfter: window.padAfter + far,
    };
    return { ...node, reach: { type: 'window' as const, axes: [wider] } };
  });
  return { ...network, nodes };
}

/**
 * A network that is computed in slabs, given by two graphs of the same structure: `tall` has the picture's rows and few
 * columns, `wide` has its columns and few rows.
 */
export class SlabNetwork {
  readonly tall: Graph;
  readonly #wide: Graph;
  /** Which nodes have rows: those that depend on the picture; other inputs are known values. */
  readonly live: readonly boolean[];
  readonly #mirrored: ReachGraph;

  constructor(tall: Graph, wide: Graph) {
    this.tall = tall;
    this.#wide = wide;
    this.live = dependents({ ...tall, inputs: tall.inputs.slice(0, 1) });
    this.#mirrored = withMirrors(alongAxis(tall, 0, new Set()), tall);
  }

  /**
   * The graph that a slab runs after another one, or as the first. Slabs in the middle of a picture have equal graphs.
   *
   * @param withOutputs whether fresh rows of the outputs are wanted, or only rows that are kept
   */
  graph({ fresh, kept }: Slab, previous: Slab | undefined, withOutputs = true): SlabGraph {
    const [wide, tall, live] = [this.#wide, this.tall, this.live];
    const before = previous?.kept ?? [];
    const nodes: Node[] = [];
    const push = (node: Node): number => nodes.push(node) - 1;
    const rowsOf = (node: Node, rows: number) => [...node.shape.slice(0, 2), rows, ...node.shape.slice(3)];
    const length = (interval: Interval) => interval[1] - interval[0] + 1;
    const source = wide.inputs[0]!;
    const given: number[] = [];
    const pushInput = (node: Node, shape: readonly number[]) => {
      const name = node.name === undefined ? {} : { name: node.name };
      const index = push({ kind: 'input', inputs: [], shape, dtype: node.dtype, ...name });
      given.push(index);
      return index;
    };

    /** Rows in hand per node: where they start, and the node that holds them. */
    const hand = new Map<number, { from: number; to: number; at: number }>();
    const plain = new Map<number, number>();
    const picture = fresh[source];
    if (picture)
      hand.set(source, {
        from: picture[0],
        to: picture[1],
        at: pushInput(wide.nodes[source]!, rowsOf(wide.nodes[source]!, length(picture))),
      });
    for (const n of wide.inputs.slice(1)) plain.set(n, pushInput(wide.nodes[n]!, wide.nodes[n]!.shape));
    const keptBefore = wide.nodes.flatMap((_, n) => (before[n] ? [n] : []));
    const old = new Map(
      keptBefore.map((n) => [n, pushInput(wide.nodes[n]!, rowsOf(wide.nodes[n]!, length(before[n]!)))]),
    );

    const slice = (n: number, from: number, to: number): number => {
      const rows = hand.get(n);
      if (!rows || from < rows.from || to > rows.to)
        throw new UnsupportedError(
          `tiled: rows ${from} … ${to} of ${labelOf(wide, n)} are not in hand (${rows ? `${rows.from} … ${rows.to}` : 'none'}); a slab was planned wrongly`,
        );
      if (from === rows.from && to === rows.to) return rows.at;
      const node = wide.nodes[n]!;
      const start = node.shape.map((_, axis) => (axis === 2 ? from - rows.from : 0));
      const step = node.shape.map(() => 1);
      return push({
        kind: 'slice',
        start,
        step,
        inputs: [rows.at],
        shape: rowsOf(node, to - from + 1),
        dtype: node.dtype,
      });
    };
    const join = (n: number) => {
      const own = hand.get(n);
      const earlier = before[n];
      if (!earlier) return;
      const at = old.get(n)!;
      if (!own) {
        hand.set(n, { from: earlier[0], to: earlier[1], at });
        return;
      }
      const node = wide.nodes[n]!;
      hand.set(n, {
        from: earlier[0],
        to: own.to,
        at: push({
          kind: 'concat',
          axis: 2,
          inputs: [at, own.at],
          shape: rowsOf(node, own.to - earlier[0] + 1),
          dtype: node.dtype,
        }),
      });
    };
    /** A value that does not depend on the picture, for `rows` rows of the map that it meets. */
    const constant = (n: number, rows: Interval): number => {
      const node = wide.nodes[n]!;
      if (node.shape.length !== wide.nodes[source]!.shape.length || tall.nodes[n]!.shape[2] === 1)
        return unmoved(n);
      if (node.kind === 'constant') {
        const row = push({
          kind: 'slice',
          start: node.shape.map(() => 0),
          step: node.shape.map(() => 1),
          inputs: [unmoved(n)],
          shape: rowsOf(node, 1),
          dtype: node.dtype,
        });
        return push({
          kind: 'broadcast',
          inputs: [row],
          shape: rowsOf(node, rows[1] - rows[0] + 1),
          dtype: node.dtype,
        });
      }
      if (node.reach?.type === 'sample') {
        const input = node.inputs[0]!;
        if (wide.nodes[input]!.shape[2] === tall.nodes[input]!.shape[2])
          return this.#moved(n, rows, 0, [unmoved(input), ...node.inputs.slice(1).map(unmoved)], nodes, push);
      } else if (node.inputs.length > 0 && !node.reach)
        return push({
          ...node,
          inputs: node.inputs.map((input) => constant(input, rows)),
          shape: rowsOf(node, rows[1] - rows[0] + 1),
        });
      throw new UnsupportedError(
        `tiled: ${labelOf(wide, n)} is a constant as large as the picture, which slabs do not cut`,
      );
    };
    const unmoved = (n: number): number => {
      const there = plain.get(n);
      if (there !== undefined) return there;
      const node = wide.nodes[n]!;
      const at = push({ ...node, inputs: node.inputs.map(unmoved) });
      plain.set(n, at);
      return at;
    };

    wide.nodes.forEach((node, n) => {
      if (!live[n]) return;
      const rows = fresh[n];
      if (rows && n !== source) {
        const operands = node.inputs.map((input, k): { at: number; from: number } => {
          if (k === 0 && node.reach && live[input]) {
            const wanted = this.rowsRead(n, 0, rows);
            const held = hand.get(input) ?? { from: 0, to: 0 };
            // rows that lie in the padding altogether read any row, from outside it
            const inside = wanted && clip(wanted, this.rowsOf(input));
            const [from, to] = inside ?? [held.from, held.from];
            return { at: slice(input, from, Math.min(to, held.to)), from };
          }
          const isMap = node.reach === undefined || k > 0;
          if (live[input] && wide.nodes[input]!.shape.length === node.shape.length && isMap)
            return { at: slice(input, rows[0], rows[1]), from: rows[0] };
          const weights = node.kind === 'conv' || node.kind === 'convTranspose';
          return { at: weights ? unmoved(input) : constant(input, rows), from: 0 };
        });
        const at = this.#moved(
          n,
          rows,
          operands[0]!.from,
          operands.map(({ at }) => at),
          nodes,
          push,
        );
        hand.set(n, { from: rows[0], to: rows[1], at });
      }
      join(n);
    });

    const outputs = wide.outputs.flatMap((n, k) => (withOutputs && fresh[n] ? [k] : []));
    const results = outputs.map((k) => slice(wide.outputs[k]!, ...fresh[wide.outputs[k]!]!));
    const keptAfter = wide.nodes.flatMap((_, n) => (kept[n] ? [n] : []));
    const states = keptAfter.map((n) => slice(n, ...kept[n]!));
    return {
      graph: { nodes, inputs: given, outputs: [...results, ...states] },
      keptBefore,
      keptAfter,
      outputs,
      picture: picture !== undefined,
    };
  }

  /** Rows of a node's whole map. */
  rowsOf(n: number): number {
    return this.tall.nodes[n]!.shape[2] ?? 1;
  }

  /** The first and last row of input `k` that rows `from … to` of a node read. */
  rowsRead(n: number, k: number, rows: Interval): Interval | undefined {
    const { reach, inputs, shape } = this.#mirrored.nodes[n]!;
    if (k > 0 || !reach) return rows;
    const source = this.#mirrored.nodes[inputs[0]!]!;
    const nodes = [
      { inputs: [], shape: source.shape },
      { inputs: [0], reach, shape },
    ];
    return needed({ nodes, inputs: [0], outputs: [1] }, [...rows], 0)[0];
  }

  /** Node `n` for rows `rows`, reading an input whose first row in hand is `from`. */
  #moved(
    n: number,
    rows: Interval,
    from: number,
    inputs: readonly number[],
    nodes: readonly Node[],
    push: (node: Node) => number,
  ): number {
    const [node, model] = [this.#wide.nodes[n]!, this.tall.nodes[n]!];
    const count = rows[1] - rows[0] + 1;
    const shape = [...node.shape.slice(0, 2), count, ...node.shape.slice(3)];
    const { reach } = node;
    const modelReach = model.reach;
    if (!reach || !modelReach || reach.type === 'everything' || modelReach.type === 'everything')
      return push({ ...node, inputs, shape });
    const held = nodes[inputs[0]!]!.shape[2] ?? 1;
    if (reach.type === 'sample' && modelReach.type === 'sample') {
      const [own] = modelReach.axes as [(typeof modelReach.axes)[number]];
      if (node.kind === 'depthToSpace') {
        const block = node.block[0]!;
        const first = from * block;
        const whole = push({
          ...node,
          inputs,
          shape: shape.map((size, axis) => (axis === 2 ? held * block : size)),
        });
        return cutRows(whole, node, shape, rows[0] - first, push);
      }
      const offset = own.offset + own.scale * rows[0] - from;
      const moved = own.scale === 0 ? own : { ...own, offset };
      return push({
        ...node,
        inputs,
        shape,
        reach: { type: 'sample', axes: [moved, ...reach.axes.slice(1)] },
      });
    }
    const [own] = (modelReach as { axes: readonly AxisWindow[] }).axes as [AxisWindow];
    const others = (reach as { axes: readonly AxisWindow[] }).axes.slice(1);
    if (reach.type === 'transposed') {
      const padBefore = own.padBefore + rows[0] - from * own.stride;
      const span = (held - 1) * own.stride + (own.kernel - 1) * own.dilation + 1;
      const moved = { ...own, padBefore, padAfter: span - padBefore - count };
      return push({ ...node, inputs, shape, reach: { type: 'transposed', axes: [moved, ...others] } });
    }
    const padBefore = own.padBefore - rows[0] * own.stride + from;
    const padAfter = (count - 1) * own.stride + (own.kernel - 1) * own.dilation + 1 - held - padBefore;
    const axes = [{ ...own, padBefore, padAfter }, ...others];
    const moved = { ...node, inputs, shape, reach: { ...reach, axes } } as Node;
    if (moved.kind === 'pad')
      return push({ ...moved, before: moved.before.map((side, axis) => (axis === 2 ? padBefore : side)) });
    if (moved.kind === 'slice')
      return push({ ...moved, start: moved.start.map((first, axis) => (axis === 2 ? -padBefore : first)) });
    return push(moved);
  }
}

function cutRows(
  at: number,
  node: Node,
  shape: readonly number[],
  from: number,
  push: (node: Node) => number,
): number {
  const start = shape.map((_, axis) => (axis === 2 ? from : 0));
  return push({ kind: 'slice', start, step: shape.map(() => 1), inputs: [at], shape, dtype: node.dtype });
}
