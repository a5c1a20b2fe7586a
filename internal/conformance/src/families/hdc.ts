import { duc, hdcGroup, hdcStages } from '@atrous/blocks';
import cases from '../../golden/blocks/hdc.json' with { type: 'json' };
import { family } from '../block-cases.js';

export const hdc = family(cases, { duc, hdcGroup, hdcStages });
