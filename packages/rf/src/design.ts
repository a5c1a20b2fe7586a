/**
 * Choosing layers: search, repair, conversion and cost.
 * Entry `@atrous/rf/design`.
 */
export type { Conversion } from './convert.js';
export { stridesToDilation } from './convert.js';
export type { Cost, CostOptions } from './cost.js';
export { networkCost } from './cost.js';
export type { Repair, RepairOptions } from './repair.js';
export { repairDilations } from './repair.js';
export type { Schedule, SearchOptions, SearchResult } from './search.js';
export { searchDilations } from './search.js';
export type { Tradeoff, TradeoffOptions } from './tradeoffs.js';
export { compareNetworks, tradeoffs } from './tradeoffs.js';
