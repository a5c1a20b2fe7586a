import { OptionError } from '@atrous/core';
import type { Backbone, Returns } from '../backbones/backbone.js';
import { mobileNetV2 } from '../backbones/mobilenet-v2.js';
import { mobileNetV3 } from '../backbones/mobilenet-v3.js';
import { resnet } from '../backbones/resnet.js';

/** What segmentation networks take from a backbone: `low` is the last map of stride 4, for decoders. */
type MapName = 'out' | 'aux' | 'low';

interface NamedBackbone {
  /** The child that each map is the output of. */
  readonly maps: Readonly<Record<MapName, string>>;
  /** torchvision's where it has the network, else the paper's. */
  readonly outputStride: number;
  readonly make: (returns: Returns, outputStride: number) => Backbone;
}

const resnetOf = (depth: 18 | 34 | 50 | 101): NamedBackbone => ({
  maps: { out: 'layer4', aux: 'layer3', low: 'layer1' },
  outputStride: 8,
  make: (returns, outputStride) => resnet({ depth, outputStride, returns }),
});

const named = {
  resnet18: resnetOf(18),
  resnet34: resnetOf(34),
  resnet50: resnetOf(50),
  resnet101: resnetOf(101),
  mobilenet_v2: {
    maps: { out: '17', aux: '6', low: '3' },
    outputStride: 16,
    make: (returns, outputStride) => mobileNetV2({ outputStride, returns }),
  },
  mobilenet_v3_large: {
    maps: { out: '16', aux: '4', low: '3' },
    outputStride: 16,
    make: (returns, outputStride) =>
      mobileNetV3({ size: 'large', dilated: outputStride < 32, outputStride, returns }),
  },
} as const satisfies Readonly<Record<string, NamedBackbone>>;

/** Backbones that segmentation networks know by torchvision's name, built with ImageNet's widths. */
export type BackboneName = keyof typeof named;

/**
 * The backbone of a network: built by its name, or as it was given.
 *
 * @param maps what the network takes from it
 * @param outputStride for a backbone built here; default torchvision's
 * @throws OptionError for an unknown name, for a backbone without one of the maps, and for an output stride beside a
 * backbone that has one already
 */
export function resolveBackbone<M extends MapName>(
  op: string,
  given: BackboneName | Backbone<Readonly<Record<M, string>>>,
  maps: readonly M[],
  outputStride: number | undefined,
): Backbone<Readonly<Record<M, string>>> {
  if (typeof given === 'string') {
    if (!Object.hasOwn(named, given))
      throw new OptionError(
        `${op}: backbone must be ${Object.keys(named).join(', ')} or a block such as resnet({ … }) but is '${given}'`,
        { backbone: given },
      );
    const known: NamedBackbone = named[given];
    const returns = Object.fromEntries(maps.map((map) => [map, known.maps[map]]));
    return known.make(returns, outputStride ?? known.outputStride) as Backbone<Readonly<Record<M, string>>>;
  }
  const missing = maps.filter((map) => !Object.hasOwn(given?.channels ?? {}, map));
  if (missing.length > 0)
    throw new OptionError(
      `${op}: the backbone must return ${maps.join(', ')} but has no ${missing.join(', ')}; name the children in its option returns, such as { ${missing[0]}: 'layer4' }`,
      { maps, missing },
    );
  if (outputStride !== undefined)
    throw new OptionError(
      `${op}: outputStride ${outputStride} is an option of the backbone; give it there, where the backbone is made`,
      { outputStride },
    );
  return given;
}
