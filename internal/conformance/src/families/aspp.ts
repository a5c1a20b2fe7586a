import {
  deepLabV2Aspp,
  deepLabV3Aspp,
  deepLabV3PlusDecoder,
  denseAspp,
  lrasppHead,
  wasp,
} from '@atrous/blocks';
import cases from '../../golden/blocks/aspp.json' with { type: 'json' };
import { family } from '../block-cases.js';

export const aspp = family(cases, {
  deepLabV2Aspp,
  deepLabV3Aspp,
  deepLabV3PlusDecoder,
  wasp,
  denseAspp,
  lrasppHead,
});
