import { contextModule, drnTail, espModule, sharedConvolution, smoothedDilation } from '@atrous/blocks';
import cases from '../../golden/blocks/context.json' with { type: 'json' };
import { family } from '../block-cases.js';

export const context = family(cases, {
  contextModule,
  drnTail,
  espModule,
  sharedConvolution,
  smoothedDilation,
});
