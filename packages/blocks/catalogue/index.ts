/**
 * The catalogue of blocks: one row for every exported function that makes a block. It is not part of the package.
 *
 * From it come docs/blocks.md (`npm run docs:blocks`), the test that no block is left out (test/catalogue.test.ts), and
 * the suite that runs every block on every backend (`catalogueConformance` in internal/conformance).
 *
 * To add a block, append to the family's file:
 *
 * ```ts
 * entry('aspp', aspp, {
 *   source: { text: 'Chen et al., 2017', link: 'https://arxiv.org/abs/1706.05587' },
 *   // in the sizes of its source: described in the page, never computed
 *   example: { args: [{ inChannels: 2048 }], inputs: [[1, 2048, 33, 33]], outputs: [[1, 256, 33, 33]] },
 *   // few channels, a small map: run on every backend, a GPU in software among them
 *   small: { args: [{ inChannels: 3, depth: 2, rates: [2, 3] }], inputs: [[2, 3, 9, 8]], outputs: [[2, 2, 9, 8]] },
 *   golden: ['seed_aspp'],            // ids of golden cases; or { none: 'why' }
 * }),
 * ```
 *
 * Give `code` beside `args` where an argument is a block or a function. A function with several forms worth showing has
 * several rows, told apart by `variant`.
 */
import { asppFamily } from './aspp.js';
import { backboneFamily } from './backbones.js';
import { contextFamily } from './context.js';
import type { CatalogueFamily } from './entry.js';
import { hdcFamily } from './hdc.js';
import { networksFamily } from './networks.js';
import { partsFamily } from './parts.js';
import { sequenceFamily } from './sequence.js';

export type { AnyBlock, CatalogueEntry, CatalogueFamily, Example } from './entry.js';

export const catalogue: readonly CatalogueFamily[] = [
  asppFamily,
  hdcFamily,
  contextFamily,
  sequenceFamily,
  backboneFamily,
  networksFamily,
  partsFamily,
];
