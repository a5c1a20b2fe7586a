import { type Block, block, convBnRelu, convolution, sequential } from '@atrous/blocks';
import { broadcastTo, concat, globalAvgPool, interpolate, relu, type Tensor } from '@atrous/core';

/** Dilation rates of the two HDC groups: 1, 2, 3 twice, so that no input cell is missed. */
export const bodyRates = [1, 2, 3, 1, 2, 3] as const;

/** Dilation rates of the pyramid's 3×3 branches. */
export const pyramidRates = [4, 8, 12] as const;

const width = 32;

/** Looks at four scales and at the whole picture: 1×1, three dilated 3×3 and the global mean, concatenated. */
const pyramid: Block = block(
  {
    pool: convolution(width, width, 1),
    b0: convBnRelu(width, width, 1),
    b1: convBnRelu(width, width, 3, { dilation: pyramidRates[0] }),
    b2: convBnRelu(width, width, 3, { dilation: pyramidRates[1] }),
    b3: convBnRelu(width, width, 3, { dilation: pyramidRates[2] }),
    project: convBnRelu(5 * width, width, 1),
  },
  (m, x: Tensor) => {
    const pooled = relu(m.pool(globalAvgPool(x)));
    const branches = [m.b0(x), m.b1(x), m.b2(x), m.b3(x), broadcastTo(pooled, x.shape)];
    return m.project(concat(branches, 1));
  },
);

/**
 * The water network: a stem of stride 4, two HDC groups, ASPP with image pooling, bilinear upsampling.
 *
 * Input: normalised luminance `[1, 1, H, W]`, H and W at least 8. Output: logits `[1, 2, H, W]`, land and water.
 */
export const waterNet: Block = block(
  {
    stem: sequential([convBnRelu(1, 16, 3, { stride: 2 }), convBnRelu(16, width, 3, { stride: 2 })]),
    body: sequential(bodyRates.map((dilation) => convBnRelu(width, width, 3, { dilation }))),
    aspp: pyramid,
    head: convolution(width, 2, 1),
  },
  (m, x: Tensor) => {
    const logits = m.head(m.aspp(m.body(m.stem(x))));
    return interpolate(logits, { size: x.shape.slice(2), mode: 'bilinear' });
  },
);
