/** What is measured, as data. `--workloads file.json` takes a list of the same form. */
export type Workload = ConvolutionWorkload | NetworkWorkload | FileWorkload;

export interface ConvolutionWorkload {
  readonly id: string;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Sizes of the spatial axes, outermost first. */
  readonly size: readonly number[];
  readonly kernel: number;
  readonly dilation: number;
  readonly stride?: number;
  readonly groups?: number;
  /** Default: `dilation * (kernel - 1) / 2` on every side. */
  readonly padding?: number | 'causal';
  /** The whole call counts, not the computation in it: for what is smaller than its overhead. */
  readonly wholeCall?: boolean;
}

/** `aspp`: the block of the article, `inChannels` to depth 256. `water`: the network that apps/segmentation ships. */
export interface NetworkWorkload {
  readonly id: string;
  readonly network: 'aspp' | 'water';
  readonly inChannels: number;
  readonly size: readonly number[];
}

/** A network in an ONNX file with one input; of its outputs the first counts. */
export interface FileWorkload {
  readonly id: string;
  /** A path from the repository's root; or `package:path`, of a package that the tests of `@atrous/onnx` install. */
  readonly file: string;
  /** Of the input, as the file has it. */
  readonly shape: readonly number[];
}

const square = (n: number) => [n, n];

type Series = Omit<ConvolutionWorkload, 'id' | 'dilation'>;

const series = (id: string, rates: readonly number[], rest: Series): Workload[] =>
  rates.map((dilation) => ({ id: `${id} rate ${dilation}`, dilation, ...rest }));

const dense = (inChannels: number, outChannels: number, size: number): Series => ({
  inChannels,
  outChannels,
  size: square(size),
  kernel: 3,
});

const depthwise = (channels: number, size: number): Series => ({
  ...dense(channels, channels, size),
  groups: channels,
});

/** The workloads of docs/benchmarks.md; batch 1, float32. The letter in front is the group of the targets. */
export const workloads: readonly Workload[] = [
  ...series('A 33² 2048→256', [6, 12, 18], dense(2048, 256, 33)),
  ...series('B 33² 320→256', [6, 12, 18], dense(320, 256, 33)),
  { id: 'B 33² 320→256 1×1', ...dense(320, 256, 33), kernel: 1, dilation: 1 },
  ...series('C 64² 64→64', [1, 2, 4, 8, 16], dense(64, 64, 64)),
  ...series('D 41² 512→1024', [12], dense(512, 1024, 41)),
  ...series('E 65² 256→256', [1, 2, 5], dense(256, 256, 65)),
  ...series('F 65² 960 depthwise', [2, 4], depthwise(960, 65)),
  ...series('F 33² 960 depthwise', [2], depthwise(960, 33)),
  ...series('G 16000 64→64 causal', [1, 16, 512], {
    inChannels: 64,
    outChannels: 64,
    size: [16000],
    kernel: 2,
    padding: 'causal',
  }),
  { id: 'H 513² 3→32 stride 2', ...dense(3, 32, 513), dilation: 1, stride: 2 },
  ...series('H 512² 16→16', [1, 2], dense(16, 16, 512)),
  { id: 'ASPP 33² 512→256', network: 'aspp', inChannels: 512, size: square(33) },
  { id: 'water network 512²', network: 'water', inChannels: 1, size: square(512) },
  { id: 'tiny 4² 4→4 1×1', ...dense(4, 4, 4), kernel: 1, dilation: 1, wholeCall: true },
];

const trained = '../shared/models/networks';

/** The workloads of docs/networks.md: real networks, unchanged. */
export const networkWorkloads: readonly FileWorkload[] = [
  {
    id: 'DeepLabV3-MobileNetV2 257²',
    file: `${trained}/deeplabv3-mnv2-257.onnx`,
    shape: [1, 3, 257, 257],
  },
  {
    id: 'MeshNet, 5 channels 64³',
    file: `${trained}/meshnet-model5-gw.onnx`,
    shape: [1, 1, 64, 64, 64],
  },
  {
    id: 'MeshNet, 11 channels 64³',
    file: `${trained}/meshnet-model11-gw.onnx`,
    shape: [1, 1, 64, 64, 64],
  },
  {
    id: 'M-LSD tiny 320²',
    file: 'jp.keijiro.mlsd:ONNX/mlsd_320x320_tiny.onnx',
    shape: [1, 320, 320, 4],
  },
];

/** Explicit padding per side. */
export function paddingOf({
  padding,
  kernel,
  dilation,
  size,
}: ConvolutionWorkload): (readonly [number, number])[] {
  const total = dilation * (kernel - 1);
  if (padding === 'causal') return size.map(() => [total, 0]);
  const side = padding ?? total / 2;
  return size.map(() => [side, side]);
}

/**
 * A list of workloads from outside.
 *
 * @throws TypeError naming the entry that is none
 */
export function parseWorkloads(text: string): readonly Workload[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new TypeError('workloads: the file must hold a JSON array');
  for (const [index, entry] of list.entries()) {
    const { id, size, network, inChannels, outChannels, kernel, dilation } = entry ?? {};
    const sized = typeof id === 'string' && Array.isArray(size) && typeof inChannels === 'number';
    const known = network === 'aspp' || network === 'water';
    const convolution = [outChannels, kernel, dilation].every((value) => typeof value === 'number');
    if (!sized || !(network === undefined ? convolution : known))
      throw new TypeError(
        `workloads: entry ${index} (${id}) needs id, inChannels, size, and either outChannels, kernel and dilation or network 'aspp' | 'water'`,
      );
  }
  return list;
}
