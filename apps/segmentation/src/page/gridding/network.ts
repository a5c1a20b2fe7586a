import { type Block, block, convBnRelu, convolution, loadParameters, sequential } from '@atrous/blocks';
import type { Tensor } from '@atrous/core';
import { readSafetensors } from '@atrous/core/safetensors';

/** How many pixels lie between two cells of the feature maps. */
export const outputStride = 4;

/** Channels of the feature maps. */
export const channels = 32;

/** The layers whose outputs are looked at: a stem of stride 4, then dilated 3×3 convolutions. */
const network = (rates: readonly number[]): Block =>
  block(
    {
      stem: sequential([convBnRelu(1, 16, 3, { stride: 2 }), convBnRelu(16, channels, 3, { stride: 2 })]),
      body: sequential(rates.map((dilation) => convBnRelu(channels, channels, 3, { dilation }))),
      // in the file; what is looked at lies before it
      head: convolution(channels, 2, 1),
    },
    (m, x: Tensor) => m.body(m.stem(x)),
  );

/**
 * The network up to its last feature maps: `[1, 1, H, W]`, normalised luminance, → `[1, 32, ⌈H / 4⌉, ⌈W / 4⌉]`.
 *
 * @param file its weights, `.safetensors`
 * @throws FormatError if the file is damaged; ParameterError listing every name that does not fit
 */
export function featuresOf(rates: readonly number[], file: Uint8Array): (x: Tensor) => Tensor {
  const net = network(rates);
  const parameters = loadParameters(net, readSafetensors(file).tensors);
  return (x) => net.apply(parameters, x);
}
