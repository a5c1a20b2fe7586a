import { OptionError, relu, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convolution } from './convolution.js';

export interface ContextModuleOptions {
  /** Channels of input and output: one per class where it stands behind a classifier. */
  readonly channels: number;
  /** Rates of the 3×3 layers. Default 1, 1, 2, 4, 8, 16, 1: a field of 67. */
  readonly rates?: readonly number[] | undefined;
  /**
   * Channels of each 3×3 layer, in multiples of `channels`: `'basic'`, 1 in every layer; `'large'`, the paper's 2, 2, 4,
   * 8, 16, 32, 32, for seven layers; or a list. Default `'basic'`.
   */
  readonly widths?: 'basic' | 'large' | readonly number[] | undefined;
  /** Initialisation of the weights. Default `'identity'`. */
  readonly init?: 'identity' | 'kaiming' | undefined;
  /**
   * With `init: 'identity'`: standard deviation of the weights that the identity leaves at 0, relative to those that it
   * does not. Only noise tells copies of a feature apart, so the default is 0.01 where a layer has more channels than
   * the input, otherwise 0.
   */
  readonly noise?: number | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

const largeWidths = [2, 2, 4, 8, 16, 32, 32];

/**
 * The context module: 3×3 layers whose rates grow exponentially, each with bias and ReLU, then a 1×1 layer without. It
 * gathers context over a field of 67 at full resolution, and can be put behind any network that gives maps.
 *
 * Input and output `[N, channels, H, W]`. Children `convs.0`, `convs.1`, … and `final`. As `initialize` makes it, the
 * module passes non-negative maps through unchanged (up to `noise`), also where layers are wider: each feature is copied,
 * and the copies are added up again.
 *
 * ```ts
 * contextModule({ channels: 21 });
 * contextModule({ channels: 21, widths: 'large' });
 * ```
 *
 * Source: Yu & Koltun, "Multi-scale context aggregation by dilated convolutions", ICLR 2016, section 3, table 1;
 * initialisation: equations 4 (basic) and 5 (large).
 *
 * @throws OptionError for unusable sizes or rates, and unless there is one width per rate
 */
export function contextModule(options: ContextModuleOptions): Block {
  const { channels, rates = [1, 1, 2, 4, 8, 16, 1], init = 'identity', axes = 2 } = options;
  checkCounts('contextModule', { channels });
  checkRates('contextModule', rates);
  const widths = widthsOf(options, rates);
  const { noise = widths.some((width) => width > 1) ? 0.01 : 0 } = options;
  if (init !== 'identity' && init !== 'kaiming')
    throw new OptionError(`contextModule: init must be 'identity' or 'kaiming' but is '${String(init)}'`, {
      init,
    });
  if (!(noise >= 0 && noise < 1))
    throw new OptionError(`contextModule: noise must be from 0 to below 1 but is ${String(noise)}`, {
      noise,
    });
  const parameterInit = init === 'identity' ? { identity: channels, noise } : init;
  const inputs = [channels, ...widths.map((width) => width * channels)];
  return block(
    {
      convs: rates.map((dilation, i) =>
        convolution(inputs[i]!, inputs[i + 1]!, 3, {
          dilation,
          padding: dilation,
          axes,
          init: parameterInit,
        }),
      ),
      final: convolution(inputs.at(-1)!, channels, 1, { axes, init: parameterInit }),
    },
    (m, x: Tensor) => m.final(m.convs.reduce((y, conv) => relu(conv(y)), x)),
  );
}

function widthsOf({ widths = 'basic' }: ContextModuleOptions, rates: readonly number[]): readonly number[] {
  if (widths === 'basic') return rates.map(() => 1);
  const list = widths === 'large' ? largeWidths : widths;
  if (!Array.isArray(list))
    throw new OptionError(
      `contextModule: widths must be 'basic', 'large' or a list of multiples but is ${String(list)}`,
      { widths },
    );
  if (list.length !== rates.length)
    throw new OptionError(
      `contextModule: widths [${list.join(', ')}] must have ${rates.length} entries, one per rate of [${rates.join(', ')}]`,
      { widths: list, rates },
    );
  for (const width of list) checkCounts('contextModule', { 'every width': width });
  return list;
}
