/** Families of blocks that have golden cases of their own. */
import type { Family } from '../block-cases.js';
import { aspp } from './aspp.js';
import { backbones } from './backbones.js';
import { context } from './context.js';
import { hdc } from './hdc.js';
import { networks } from './networks.js';
import { sequence } from './sequence.js';

export const families: readonly Family[] = [aspp, backbones, context, hdc, networks, sequence];
