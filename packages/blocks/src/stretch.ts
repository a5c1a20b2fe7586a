import { type InterpolateOptions, interpolate, type Tensor } from '@atrous/core';

/** Linear resampling (bilinear on pictures) of y to the spatial size of x. Half-pixel centres unless corners align. */
export const stretch = (
  y: Tensor,
  x: Tensor,
  options: Pick<InterpolateOptions, 'alignCorners'> = {},
): Tensor => interpolate(y, { size: x.shape.slice(2), mode: 'linear', ...options });
