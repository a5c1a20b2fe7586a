import { mobileNetV2, mobileNetV3, resnet } from '@atrous/blocks';
import cases from '../../golden/blocks/backbones.json' with { type: 'json' };
import { family } from '../block-cases.js';

export const backbones = family(cases, { resnet, mobileNetV2, mobileNetV3 });
