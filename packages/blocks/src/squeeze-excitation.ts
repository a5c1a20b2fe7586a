import { globalAvgPool, mul, relu, sigmoid, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';
import { convolution } from './convolution.js';

export interface SqueezeExcitationOptions {
  readonly channels: number;
  /** Channels in the middle. */
  readonly squeezeChannels: number;
  /** Turns the weights of the channels into factors. Default sigmoid; MobileNetV3 has hardSigmoid. */
  readonly gate?: ((x: Tensor) => Tensor) | undefined;
}

/**
 * Squeeze and excitation: every channel is multiplied by a factor that depends on the means of all channels.
 *
 * Input and output `[N, channels, H, W]`. Children `fc1` and `fc2`, both 1×1 with bias, as torchvision's
 * `SqueezeExcitation`.
 *
 * Source: Hu, Shen & Sun, "Squeeze-and-excitation networks", CVPR 2018.
 *
 * @throws OptionError for unusable sizes
 */
export function squeezeExcitation({
  channels,
  squeezeChannels,
  gate = sigmoid,
}: SqueezeExcitationOptions): Block {
  checkCounts('squeezeExcitation', { channels, squeezeChannels });
  return block(
    { fc1: convolution(channels, squeezeChannels, 1), fc2: convolution(squeezeChannels, channels, 1) },
    (m, x: Tensor) => mul(x, gate(m.fc2(relu(m.fc1(globalAvgPool(x)))))),
  );
}
