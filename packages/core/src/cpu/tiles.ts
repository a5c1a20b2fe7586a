/** Tiles of the matrix kernel: rows that share a call. */
import type { Engine } from './engine.js';
import { emitGemm, gemmName, maxRows } from './kernels/gemm.js';
import { tilesOf } from './positions.js';
import type { Tables } from './tables.js';

/** Products of one pass over a panel: eight columns of this many floats fill half of a first-level cache. */
export const productsPerPass = 512;
/** Floats of input that one block of tiles reads per pass: what stays in a second-level cache. */
const floatsPerBlock = 80 * 1024;

/** The matrix kernel for tiles of this height and width. */
export const gemmKernel = (engine: Engine, rows: number, vectors: number): number =>
  engine.kernel('gemm', gemmName(rows, vectors), (module) => {
    const { fma } = engine.features;
    for (let r = 1; r <= maxRows(fma); r++) for (const v of [1, 2]) emitGemm(module, r, v, fma);
  });

/** Tiles that share the kernel of their height. */
export interface TileRun {
  readonly rows: number;
  readonly count: number;
  readonly address: number;
}

/** Cuts positions into tiles of the matrix kernel, and these into blocks that a cache holds with `depth` products per position. */
export function tileBlocks(
  positions: readonly (readonly [x: number, y: number])[],
  depth: number,
  tables: Tables,
  engine: Engine,
): TileRun[][] {
  const most = maxRows(engine.features.fma);
  const perBlock = Math.floor(floatsPerBlock / Math.min(depth, productsPerPass));
  const blocks: TileRun[][] = [];
  let at = 0;
  for (const size of tilesOf(positions.length, Math.max(most, Math.floor(perBlock / most) * most))) {
    const byRows = new Map<number, number[]>();
    for (const rows of tilesOf(size, most)) {
      const tile = positions.slice(at, at + rows);
      const words = byRows.get(rows) ?? [];
      for (const axis of [0, 1] as const) for (const place of tile) words.push(place[axis]);
      byRows.set(rows, words);
      at += rows;
    }
    blocks.push(
      [...byRows].map(([rows, words]) => ({
        rows,
        count: words.length / (2 * rows),
        address: tables.add(words),
      })),
    );
  }
  return blocks;
}
