import type { Shape } from '@atrous/core';
import type { Sink } from './region.js';

/** What a tiled run will do, known before it starts. */
export interface TilePlan {
  /** `'tiles'`: windows that overlap; `'slabs'`: full-width rows, each computed once. */
  readonly order: 'tiles' | 'slabs';
  /** Tiles per spatial axis. */
  readonly counts: readonly number[];
  /** Tiles, or slabs, in all. */
  readonly tiles: number;
  /** Size of the window that each tile reads, its halo included. */
  readonly window: readonly number[];
  /** Runs over all tiles: 1, and one more for every global layer on the longest path. */
  readonly passes: number;
  /** How often a sample is computed on average because windows overlap; 1 is never twice. */
  readonly recompute: number;
  /** Bytes that programs and buffers hold at most, of all backends together. */
  readonly memory: number;
  /** `[N, C, …]` of the result. */
  readonly outputShape: Shape;
}

export interface TileProgress {
  readonly pass: number;
  readonly passes: number;
  /** Tiles done, over all passes. */
  readonly done: number;
  readonly total: number;
  readonly elapsedMs: number;
  /** From the tiles done so far. */
  readonly remainingMs: number;
}

/** What a run has done, kept outside so that another run can go on from it. */
export interface Journal {
  /** What earlier runs recorded, in any order. */
  read(): Promise<readonly JournalEntry[]> | readonly JournalEntry[];
  /** Returns when the entry is safe. Called after the sink has taken the tile. */
  append(entry: JournalEntry): Promise<void> | void;
}

/** Which job a journal belongs to. */
export interface PlanEntry {
  readonly type: 'plan';
  /** Equal for the same cut of the same size of picture. */
  readonly plan: string;
  /** SHA-256 of the network's layers and weights, in hexadecimal digits. */
  readonly network: string;
  readonly tiles: number;
  readonly passes: number;
  readonly outputShape: Shape;
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
}

export type JournalEntry =
  | PlanEntry
  | {
      readonly type: 'tile';
      readonly pass: number;
      readonly tile: number;
      /** What the tile adds to each global layer. */
      readonly partials: readonly (readonly number[])[];
    };

/** One of several runs, on one machine or on many, that share the tiles of a job. */
export interface Shard {
  /** 0 … count − 1. */
  readonly index: number;
  readonly count: number;
  /** Journals of all shards, for what global layers gather over the whole picture; a job of one pass needs none. */
  readonly journals?: readonly Pick<Journal, 'read'>[] | undefined;
}

export interface TiledRunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TileProgress) => void) | undefined;
  readonly journal?: Journal | undefined;
  /**
   * Runs only a part of the tiles or slabs, which needs a journal. With several passes each shard stops after a pass until the
   * others have done theirs: run it again then, with all `journals`.
   */
  readonly shard?: Shard | undefined;
}

/** A network on one picture, cut into tiles. */
export interface TiledJob {
  readonly plan: TilePlan;
  /**
   * Computes all tiles and writes them in order. May be cancelled between steps; with a journal another run goes on
   * where it stopped.
   *
   * @throws OptionError if the journal belongs to another plan or network, or if a shard needs what others have not
   * done yet; what a backend throws, when no tile is under way any more
   */
  run(sink: Sink, options?: TiledRunOptions): Promise<void>;
  dispose(): void;
}
