import { type Cost, networkCost } from './cost.js';
import { coverage } from './coverage.js';
import { integer } from './error.js';
import { receptiveField } from './field.js';
import { prepare } from './graph.js';
import { searchDilations } from './search.js';
import type { Layer, PerAxis } from './types.js';

export interface TradeoffOptions {
  /** Field to reach at least, along every axis. */
  readonly field: number;
  /** Taps of every convolution per axis. Default 3. */
  readonly kernel?: number;
  /** Size of the input map. Default 256. */
  readonly inputSize?: PerAxis;
  /** Channels of the input and of every layer. Default 64. */
  readonly channels?: number;
  /** Spatial axes. Default 2. */
  readonly ndim?: number;
}

/** One way to reach a field. */
export interface Tradeoff extends Cost {
  readonly name: string;
  readonly layers: readonly Layer[];
  readonly field: readonly number[];
  readonly stride: readonly number[];
  /** Share of the field that is read. */
  readonly coverage: number;
}

/**
 * One row for each of several lists of layers: field, output resolution, parameters, multiplications, memory and
 * coverage side by side.
 *
 * @throws RfError if a list makes no sense
 */
export function compareNetworks(
  networks: Readonly<Record<string, readonly Layer[]>>,
  options: Omit<TradeoffOptions, 'field' | 'kernel'> = {},
): readonly Tradeoff[] {
  const { inputSize = 256, channels = 64 } = options;
  return Object.entries(networks).map(([name, layers]) => {
    const { ndim } = prepare('compareNetworks', layers, {
      ...(options.ndim !== undefined && { ndim: options.ndim }),
      inputSize,
    });
    const { size, stride } = receptiveField(layers, { ndim });
    return {
      name,
      layers,
      field: size,
      stride,
      coverage: coverage(layers, { ndim }).fraction,
      ...networkCost(layers, inputSize, { channels, ndim }),
    };
  });
}

/**
 * Pooling, strided convolution and dilation that reach the same field, in one table: what each costs, and what
 * resolution and coverage is left. Every convolution has the same kernel and channels; dilation uses the fewest
 * layers without holes, and once more all with one rate, which leaves holes.
 *
 * @throws RfError for options that make no sense
 */
export function tradeoffs(options: TradeoffOptions): readonly Tradeoff[] {
  const where = 'tradeoffs';
  const { kernel = 3, ndim = 2 } = options;
  integer(where, 'field', options.field, 2);
  integer(where, 'kernel', kernel, 2);
  // the smallest field from the wanted one on that stacks of this kernel have
  const field = Math.ceil((options.field - 1) / (kernel - 1)) * (kernel - 1) + 1;
  const conv = (dilation = 1, stride = 1): Layer => {
    const total = dilation * (kernel - 1);
    const padding = stride === 1 ? ('same' as const) : Math.floor(total / 2);
    return { kernel, dilation, stride, padding };
  };
  const pool: Layer = { type: 'maxPool', kernel: 2 };
  const grow = (stage: readonly Layer[], end: readonly Layer[]): Layer[] => {
    let layers: Layer[] = [...end];
    while (receptiveField(layers, { ndim: 1 }).size[0]! < field) layers = [...stage, ...layers];
    return layers;
  };
  const fewest = Math.ceil(Math.log(field) / Math.log(kernel) - 1e-9);
  const rates = searchDilations({ kernel, layers: fewest, field, limit: 1 }).schedules[0]!.rates;
  const rate = Math.ceil((field - 1) / (kernel - 1) / fewest);
  return compareNetworks(
    {
      convolution: Array.from({ length: (field - 1) / (kernel - 1) }, () => conv()),
      pooling: grow([conv(), pool], [conv()]),
      'strided convolution': grow([conv(1, 2)], [conv()]),
      [`dilation ${rates.join(', ')}`]: rates.map((dilation) => conv(dilation)),
      [`one rate ${Array.from({ length: fewest }, () => rate).join(', ')}`]: Array.from(
        { length: fewest },
        () => conv(rate),
      ),
    },
    { ...options, ndim },
  );
}
