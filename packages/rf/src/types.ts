/** Along one axis, output `o` reads input `o * stride - padBefore + t * dilation` for every tap `t < kernel`. */
export interface AxisWindow {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Negative padding crops. */
  readonly padBefore: number;
  readonly padAfter: number;
}

/**
 * Along one axis, output `o` reads input `floor(o * scale + offset)` and its `taps - 1` right neighbours, clamped to
 * the edge. A position within 1e-9 of an integer counts as that integer, so that 1/3 behaves like a third.
 */
export interface AxisSample {
  readonly scale: number;
  readonly offset: number;
  readonly taps: number;
}

/**
 * How a node reads the spatial axes of its first input; further inputs are read at the same position.
 *
 * - `window`: convolution, pooling, padding, cropping, slicing. `wraps` says that positions outside are those of
 *   the opposite side (circular padding).
 * - `transposed`: the adjoint of that window: output `o` reads every input `i` with
 *   `i * stride - padBefore + t * dilation = o`.
 * - `sample`: resizing; `scale` 0 is broadcasting an axis of size 1.
 * - `everything`: the whole axis (global pooling, normalisation over positions).
 */
export type Reach =
  | { readonly type: 'window'; readonly axes: readonly AxisWindow[]; readonly wraps?: boolean }
  | { readonly type: 'transposed'; readonly axes: readonly AxisWindow[] }
  | { readonly type: 'sample'; readonly axes: readonly AxisSample[] }
  | { readonly type: 'everything' };

export interface ReachNode {
  /** Indices of earlier nodes. */
  readonly inputs: readonly number[];
  /** Absent: output `o` reads position `o` of the first input. */
  readonly reach?: Reach | undefined;
  /** Used in messages and reports. */
  readonly name?: string | undefined;
  readonly kind?: string | undefined;
  /** `[batch, channels, ...spatial]`; where present, answers about a real map use it. */
  readonly shape?: readonly number[] | undefined;
}

/** Any network: nodes in topological order. The graph of `@atrous/core` is one. */
export interface ReachGraph {
  readonly nodes: readonly ReachNode[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** One number for all spatial axes, or one for each, outermost first. */
export type PerAxis = number | readonly number[];

/**
 * - a number: the same on every side (PyTorch);
 * - a list with one entry per spatial axis: a number for both sides, or `[before, after]`;
 * - `'same'`: PyTorch's rule, stride 1 only: `dilation * (kernel - 1)` in all, an odd element after;
 * - `'valid'`: none; `'causal'`: all of it before;
 * - `'same-upper'`: TensorFlow's SAME (ONNX's SAME_UPPER), which depends on the input size when the stride is not 1;
 *   `'same-lower'`: ONNX's SAME_LOWER.
 */
export type Padding =
  | number
  | readonly (number | readonly [before: number, after: number])[]
  | 'same'
  | 'valid'
  | 'causal'
  | 'same-upper'
  | 'same-lower';

/** Convolution or pooling, with the options and defaults of PyTorch. */
export interface WindowLayer {
  /** Default `'conv'`. */
  readonly type?: 'conv' | 'maxPool' | 'avgPool' | 'convTranspose';
  readonly name?: string;
  /** Taps per axis. */
  readonly kernel: PerAxis;
  /** Default 1; the kernel for pooling. */
  readonly stride?: PerAxis;
  /** Default 1. */
  readonly dilation?: PerAxis;
  /** Default 0. */
  readonly padding?: Padding;
  /** `'circular'`: positions outside are those of the opposite side. Other modes have the same field. */
  readonly paddingMode?: 'zeros' | 'reflect' | 'replicate' | 'circular';
  /** `convTranspose` only. Default 0. */
  readonly outputPadding?: PerAxis;
  /** Rounds the output size up (pooling). Default false. */
  readonly ceilMode?: boolean;
  /** Output channels of a convolution, for cost. Default: as many as come in. */
  readonly channels?: number;
  /** Groups of a convolution, for cost. Default 1. */
  readonly groups?: number;
}

/** Upsampling or downsampling by interpolation, with the options of PyTorch's `interpolate`. */
export interface ResizeLayer {
  readonly type: 'resize';
  readonly name?: string;
  /** Output size / input size. */
  readonly scale?: PerAxis;
  /** Output size; needs `inputSize`. */
  readonly size?: PerAxis;
  /** Default `'nearest'`. */
  readonly mode?: 'nearest' | 'linear';
  /** `'linear'` only; needs `inputSize`. Default false. */
  readonly alignCorners?: boolean;
}

/** Pads, or crops where negative. */
export interface PadLayer {
  readonly type: 'pad';
  readonly name?: string;
  readonly padding: number | readonly (number | readonly [before: number, after: number])[];
  readonly paddingMode?: 'zeros' | 'reflect' | 'replicate' | 'circular';
}

/** The mean (or maximum) over all positions: one element per axis, repeated where it meets a larger map. */
export interface GlobalPoolLayer {
  readonly type: 'globalPool';
  readonly name?: string;
}

/** Branches side by side, added or concatenated at the end; `[]` is the identity. */
export interface ParallelLayer {
  readonly type?: 'parallel';
  readonly name?: string;
  readonly parallel: readonly (readonly Layer[])[];
  /** How the branches meet; only their cost depends on it. Default `'add'`. */
  readonly combine?: 'add' | 'concat';
}

export type Layer = WindowLayer | ResizeLayer | PadLayer | GlobalPoolLayer | ParallelLayer;

/** What every analysis accepts: a list of layers, or a graph. */
export type Network = readonly Layer[] | ReachGraph;

/** First and last position, both included. */
export type Interval = readonly [first: number, last: number];

export interface NetworkOptions {
  /** Spatial axes of a list of layers. Default: those of the longest array in it or of `inputSize`, else 2. */
  readonly ndim?: number;
  /** Spatial size of the input, per axis. Without it the map is endless. */
  readonly inputSize?: PerAxis;
  /** Looks at this axis alone, as if the network had no other. Default: all axes. */
  readonly axis?: number;
  /** Which of the graph's inputs, by position in `graph.inputs`. Default 0. */
  readonly input?: number;
  /** Which of the graph's outputs, by position in `graph.outputs`. Default 0. */
  readonly output?: number;
}
