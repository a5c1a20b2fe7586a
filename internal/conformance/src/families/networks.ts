import {
  type DeepLabV3HeadOptions,
  deepLabV3,
  deepLabVgg16,
  fcn,
  type MobileNetV3Options,
  mobileNetV3,
  type ResnetOptions,
  resnet,
} from '@atrous/blocks';
import cases from '../../golden/blocks/networks.json' with { type: 'json' };
import { type AnyBlock, family } from '../block-cases.js';

/** Options of the backbone with the maps that the network takes, and those of the network. */
interface On<B> {
  readonly backbone: B & { readonly returns: { readonly out: string; readonly aux: string } };
  readonly numClasses: number;
  readonly aux: true;
}

export const networks = family(cases, {
  deepLabV3OnResnet: ({ backbone, ...rest }: On<ResnetOptions> & DeepLabV3HeadOptions): AnyBlock =>
    deepLabV3({ ...rest, backbone: resnet(backbone) }),
  deepLabV3OnMobileNetV3: ({ backbone, ...rest }: On<MobileNetV3Options> & DeepLabV3HeadOptions): AnyBlock =>
    deepLabV3({ ...rest, backbone: mobileNetV3(backbone) }),
  fcnOnResnet: ({ backbone, ...rest }: On<ResnetOptions>): AnyBlock =>
    fcn({ ...rest, backbone: resnet(backbone) }),
  deepLabVgg16,
});
