/**
 * The graph: plain data that every backend, receptive-field analysis and tiling read.
 *
 * No class, no function, every shape a number, so that a graph can be hashed, printed and posted to a worker.
 */

export type DType = 'float32' | 'int32' | 'uint8';

/** Sizes per axis, outermost first: `[N, C, H, W]` for a batch of pictures. */
export type Shape = readonly number[];

/** The typed array that holds each dtype. */
export interface Arrays {
  float32: Float32Array;
  int32: Int32Array;
  uint8: Uint8Array | Uint8ClampedArray;
}

export type Values = Arrays[DType];

/**
 * How outputs read one spatial axis through a sliding window:
 * output `o` reads positions `o * stride - padBefore + t * dilation` for every tap `t < kernel`.
 * Negative padding crops.
 */
export interface AxisWindow {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBefore: number;
  readonly padAfter: number;
}

/**
 * How outputs read one spatial axis by coordinates:
 * output `o` reads `floor(o * scale + offset)` and `taps - 1` right neighbours, clamped to the edge.
 */
export interface AxisSample {
  readonly scale: number;
  readonly offset: number;
  readonly taps: number;
}

/**
 * How an output reads the spatial axes (axes 2, 3 …) of `inputs[0]`. Absent: the same position.
 * This is all that receptive-field analysis and tiling look at.
 *
 * `transposed` is the adjoint of its window. `wraps` marks circular padding: outputs at the border also read
 * the opposite border.
 */
export type Reach =
  | { readonly type: 'window'; readonly axes: readonly AxisWindow[]; readonly wraps?: boolean }
  | { readonly type: 'transposed'; readonly axes: readonly AxisWindow[] }
  | { readonly type: 'sample'; readonly axes: readonly AxisSample[] }
  | { readonly type: 'everything' };

export type UnaryFunction =
  | 'relu'
  | 'sigmoid'
  | 'tanh'
  | 'silu'
  | 'hardSwish'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'erf'
  | 'abs'
  | 'neg';

export type BinaryFunction = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pow';

export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** Ops that compute each element from the elements at the same position; operands have equal shapes. */
export type Pointwise =
  | { readonly kind: 'unary'; readonly fn: UnaryFunction }
  | { readonly kind: 'clip'; readonly min: number; readonly max: number }
  | { readonly kind: 'binary'; readonly fn: BinaryFunction };

/**
 * The closed list of ops. Windows, sampling coordinates and output shapes stand on the node, so a backend never
 * resolves padding itself.
 *
 * - `conv`: inputs x `[N, C, …]`, weight `[O, C / groups, …k]`; positions outside x count as zero.
 * - `convTranspose`: inputs x `[N, C, …]`, weight `[C, O / groups, …k]`.
 * - `pool`: positions outside x are left out (a mean divides by the positions inside).
 * - `adaptivePool`: output `i` covers `floor(i * in / out)` to `ceil((i + 1) * in / out)`.
 * - `pad`: `before` per axis of x; the amount after follows from the shape; negative amounts crop.
 * - `resize`: inputs x and optionally `origin` `[axes]`, added to the source coordinates.
 * - `slice`: output `o` is element `start + o * step` per axis.
 * - `broadcast`: same rank; axes of size 1 are repeated.
 * - `depthToSpace`, `spaceToDepth`: move blocks between space and axis 0 (batch) or 1 (channels). With D the size
 *   of the smaller side, P positions in a block, phase p: `phaseMajor` index `p * D + d`, otherwise `d * P + p`.
 * - `argmax`, `reduce`: the reduced axes stay with size 1; argmax takes the first of equal maxima.
 * - `groupNorm`: normalises only; weight and bias are pointwise nodes.
 * - `cast`: towards zero and saturating; NaN becomes 0.
 */
export type Op =
  | { readonly kind: 'input' }
  | { readonly kind: 'constant'; readonly value: Constant }
  | Pointwise
  | { readonly kind: 'conv' | 'convTranspose'; readonly groups: number }
  | { readonly kind: 'pool'; readonly fn: 'max' | 'mean' }
  | { readonly kind: 'adaptivePool'; readonly fn: 'max' | 'mean' }
  | { readonly kind: 'pad'; readonly before: Shape; readonly mode: PadMode; readonly value: number }
  | { readonly kind: 'resize'; readonly mode: 'nearest' | 'linear' }
  | { readonly kind: 'slice'; readonly start: Shape; readonly step: Shape }
  | { readonly kind: 'broadcast' | 'reshape' }
  | { readonly kind: 'transpose'; readonly order: readonly number[] }
  | {
      readonly kind: 'depthToSpace' | 'spaceToDepth';
      readonly block: readonly number[];
      readonly axis: 0 | 1;
      readonly phaseMajor: boolean;
    }
  | { readonly kind: 'concat' | 'softmax' | 'argmax'; readonly axis: number }
  | { readonly kind: 'reduce'; readonly fn: 'sum' | 'mean' | 'max'; readonly axes: readonly number[] }
  | { readonly kind: 'groupNorm'; readonly groups: number; readonly epsilon: number }
  | { readonly kind: 'cast' };

export type OpKind = Op['kind'];

/** Known data. Its identity is the object: a backend packs or uploads each constant once per layout. */
export interface Constant {
  readonly data: Values;
}

export type Node = Op & {
  readonly inputs: readonly number[];
  readonly shape: Shape;
  readonly dtype: DType;
  readonly reach?: Reach;
  readonly name?: string;
};

/** Narrows `Node` to one kind of op. */
export type NodeOf<K extends OpKind> = Node & { readonly kind: K };

/** Nodes in topological order; `inputs` and `outputs` are indices into `nodes`. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}
