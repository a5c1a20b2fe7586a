export type { Blend } from './blend.js';
export type {
  Journal,
  JournalEntry,
  PlanEntry,
  Shard,
  TiledJob,
  TiledRunOptions,
  TilePlan,
  TileProgress,
} from './job.js';
export { ArraySink, arraySource, type Region, type Sink, type Source } from './region.js';
export { type Overlap, type TiledOptions, tiled } from './tiled.js';
