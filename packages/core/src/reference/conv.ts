import type { HostKernel } from '../backend/host.js';
import type { AxisWindow, NodeOf, Shape } from '../graph.js';
import { threeAxes, threeWindows } from './axes.js';

/** The sizes that both kinds of convolution loop over, with three spatial axes. */
function sizesOf(node: Parameters<HostKernel>[0], inputShape: Shape) {
  const { groups, shape, reach } = node as NodeOf<'conv' | 'convTranspose'> & {
    reach: { axes: readonly AxisWindow[] };
  };
  const [batch, outChannels] = shape as readonly [number, number];
  const channels = inputShape[1]!;
  const windows = threeWindows(reach.axes);
  return {
    batch,
    channels,
    outChannels,
    perGroup: channels / groups,
    outPerGroup: outChannels / groups,
    input: threeAxes(inputShape),
    output: threeAxes(shape),
    windows,
    taps: windows.reduce((product, { kernel }) => product * kernel, 1),
  };
}

/** Convolution as its definition says, summed in float64 over channels, then taps. */
export const conv: HostKernel = function* (node, [x, weight], output) {
  const sizes = sizesOf(node, x!.shape);
  const { batch, channels, outChannels, perGroup, outPerGroup, taps } = sizes;
  const [depth, height, width] = sizes.input;
  const [outDepth, outHeight, outWidth] = sizes.output;
  const [wd, wh, ww] = sizes.windows;
  let at = 0;
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = n * channels + Math.floor(o / outPerGroup) * perGroup;
      for (let od = 0; od < outDepth; od++) {
        for (let oh = 0; oh < outHeight; oh++)
          for (let ow = 0; ow < outWidth; ow++) {
            let sum = 0;
            for (let c = 0; c < perGroup; c++) {
              let tap = (o * perGroup + c) * taps;
              for (let kd = 0; kd < wd.kernel; kd++) {
                const d = od * wd.stride - wd.padBefore + kd * wd.dilation;
                for (let kh = 0; kh < wh.kernel; kh++) {
                  const h = oh * wh.stride - wh.padBefore + kh * wh.dilation;
                  if (d < 0 || d >= depth || h < 0 || h >= height) {
                    tap += ww.kernel;
                    continue;
                  }
                  const row = (((firstChannel + c) * depth + d) * height + h) * width;
                  for (let kw = 0; kw < ww.kernel; kw++, tap++) {
                    const w = ow * ww.stride - ww.padBefore + kw * ww.dilation;
                    if (w >= 0 && w < width) sum += x!.data[row + w]! * weight!.data[tap]!;
                  }
                }
              }
            }
            output[at++] = sum;
          }
        yield;
      }
    }
};

/** Transposed convolution, gathered: output `o` is reached by input `i` and tap `t` with `i * stride - padBefore + t * dilation = o`. */
export const convTranspose: HostKernel = function* (node, [x, weight], output) {
  const sizes = sizesOf(node, x!.shape);
  const { batch, channels, outChannels, perGroup, outPerGroup, taps } = sizes;
  const [depth, height, width] = sizes.input;
  const [outDepth, outHeight, outWidth] = sizes.output;
  const [wd, wh, ww] = sizes.windows;
  let at = 0;
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outChannels; o++) {
      const group = Math.floor(o / outPerGroup);
      for (let od = 0; od < outDepth; od++) {
        for (let oh = 0; oh < outHeight; oh++)
          for (let ow = 0; ow < outWidth; ow++) {
            let sum = 0;
            for (let kd = 0; kd < wd.kernel; kd++) {
              const d = sourceOf(od, kd, wd, depth);
              if (d < 0) continue;
              for (let kh = 0; kh < wh.kernel; kh++) {
                const h = sourceOf(oh, kh, wh, height);
                if (h < 0) continue;
                for (let kw = 0; kw < ww.kernel; kw++) {
                  const w = sourceOf(ow, kw, ww, width);
                  if (w < 0) continue;
                  const tap = (kd * wh.kernel + kh) * ww.kernel + kw;
                  for (let c = group * perGroup; c < (group + 1) * perGroup; c++)
                    sum +=
                      x!.data[(((n * channels + c) * depth + d) * height + h) * width + w]! *
                      weight!.data[(c * outPerGroup + (o % outPerGroup)) * taps + tap]!;
                }
              }
            }
            output[at++] = sum;
          }
        yield;
      }
    }
};

/** The input whose tap lands on this output, or -1. */
function sourceOf(
  out: number,
  tap: number,
  { stride, padBefore, dilation }: AxisWindow,
  size: number,
): number {
  const position = out + padBefore - tap * dilation;
  const source = position / stride;
  return position >= 0 && Number.isInteger(source) && source < size ? source : -1;
}
