// DeepLab v3 on ResNet-50: strides become rates, and the receptive field stays what it was.
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { deepLabV3, describe, resnet } from '@atrous/blocks';

const picture = [1, 3, 513, 513];

/** Field, stride and map of the backbone before and after, and the whole network. No weights are made. */
export function dilateResnet() {
  const before = describe(resnet({ depth: 50 }), picture);
  const after = describe(resnet({ depth: 50, outputStride: 8 }), picture);
  const network = describe(deepLabV3({ backbone: 'resnet50', outputStride: 8, numClasses: 21 }), picture);
  return { before, after, network };
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const { before, after, network } = dilateResnet();
  console.log(`ResNet-50 with strides\n${before}\n\nat output stride 8\n${after}\n\nDeepLab v3\n${network}`);
}
