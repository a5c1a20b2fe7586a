import { integer } from './error.js';
import { label, type Prepared, prepare } from './graph.js';
import { periodFrom } from './needed.js';
import { isOne, type Regions, regionAt, regionsOf } from './regions.js';
import type { Network, NetworkOptions } from './types.js';

/** A layer for which a halo alone does not make tiles exact. */
export interface TilingObstacle {
  readonly node: number;
  readonly name: string;
  readonly reason: 'global' | 'resize' | 'circular padding' | 'strides disagree';
  /** Whether tiles can be exact all the same, by what the advice says. */
  readonly solvable: boolean;
  /** What it does, and what to do about it. */
  readonly advice: string;
}

/** Along one axis. */
export interface AxisHalo {
  /** Inputs that a tile needs before and after the part of the picture it stands for. Infinity if unbounded. */
  readonly before: number;
  readonly after: number;
  /** Tiles start at multiples of this many inputs. Undefined if there is no such number. */
  readonly alignment: number | undefined;
  /** The same in outputs. */
  readonly outputAlignment: number | undefined;
}

export interface TileHalo {
  /** Whether the network can be run tile by tile with the very same result: no obstacle stands, or all are solvable. */
  readonly exact: boolean;
  readonly axes: readonly AxisHalo[];
  readonly obstacles: readonly TilingObstacle[];
}

/**
 * What exact tiled inference needs: where tiles may start, how far they must overlap, and which layers need more than
 * that. Outputs a … b (whole multiples of the alignment) can be computed from their own part of the input and the
 * halo on both sides.
 *
 * @throws RfError if the network makes no sense
 */
export function tileHalo(network: Network, options: NetworkOptions = {}): TileHalo {
  const prepared = prepare('tileHalo', network, options);
  const regions = Array.from({ length: prepared.ndim }, (_, axis) => regionsOf(prepared, axis));
  const obstacles = findObstacles(prepared, regions);
  const axes = regions.map((list, axis) => haloOf(prepared, axis, list[prepared.target]!, options.input));
  return { exact: obstacles.every(({ solvable }) => solvable), axes, obstacles };
}

/**
 * How many times the inputs of a picture are read when it is computed in tiles of this size: the product over the
 * axes of (tile + before + after) / tile.
 *
 * @throws RfError unless tile is a positive integer
 */
export function tileOverhead(halo: TileHalo, tile: number): number {
  integer('tileOverhead', 'tile', tile);
  return halo.axes.reduce((product, { before, after }) => (product * (tile + before + after)) / tile, 1);
}

function haloOf(
  prepared: Prepared,
  axis: number,
  regions: Regions | null | undefined,
  input: number | undefined,
): AxisHalo {
  const alignment = periodFrom(prepared.where, prepared.graph, axis, input);
  if (!regions || !alignment || !regions.shift) {
    const unknown = regions ? Infinity : NaN;
    return { before: unknown, after: unknown, alignment, outputAlignment: undefined };
  }
  const phases = regions.first.length;
  const outputs = (alignment * phases) / regions.shift;
  let [before, after] = [0, 0];
  for (let output = 0; output < phases; output++) {
    before = Math.max(before, -regionAt(regions, output)[0]);
    after = Math.max(after, regionAt(regions, outputs - 1 - output)[1] - (alignment - 1));
  }
  return { before, after, alignment, outputAlignment: outputs };
}

function findObstacles(
  prepared: Prepared,
  regions: readonly (readonly (Regions | null | undefined)[])[],
): TilingObstacle[] {
  const { nodes, live } = prepared;
  return nodes.flatMap(({ reach, inputs, name, kind }, node): TilingObstacle[] => {
    if (!live[node]) return [];
    const obstacle = (reason: TilingObstacle['reason'], solvable: boolean, advice: string) => [
      { node, name: name ?? `${kind ?? ''} ${label(nodes, node)}`.trim(), reason, solvable, advice },
    ];
    const reads = reach && live[inputs[0]!] ? reach : undefined;
    const one = (axis: number) => isOne(prepared, inputs[0]!, axis);
    if (reads?.type === 'everything' && !regions.every((_, axis) => one(axis)))
      return obstacle(
        'global',
        true,
        'reads the whole map: its value must be computed over the whole picture first, in a pass of its own (@atrous/tiling does)',
      );
    if (
      reads?.type === 'window' &&
      reads.wraps &&
      reads.axes.some(({ padBefore, padAfter }) => padBefore > 0 || padAfter > 0)
    )
      return obstacle(
        'circular padding',
        false,
        'reads the opposite border; pad the picture first and run without',
      );
    if (reads?.type === 'sample' && reads.axes.some((sample, axis) => !one(axis) && dependsOnSize(sample)))
      return obstacle(
        'resize',
        true,
        'depends on the size of the map (align-corners): it must take the scale of the whole picture and the origin of each tile (@atrous/tiling does)',
      );
    const before = inputs.filter((input) => live[input]);
    const disagree = regions.some(
      (list) => list[node] === null && before.every((input) => list[input] !== null),
    );
    if (disagree)
      return obstacle(
        'strides disagree',
        false,
        'joins paths of different stride, or resizes by no simple fraction; bring the paths to one resolution',
      );
    return [];
  });
}

/** Corners aligned: the only kind of resize that starts exactly at the edge and reads two neighbours. */
const dependsOnSize = ({ scale, offset, taps }: { scale: number; offset: number; taps: number }): boolean =>
  taps === 2 && offset === 0 && scale !== 1 && scale !== 0;
