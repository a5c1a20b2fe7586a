import type { FileSource } from '@atrous/core/model';
import type { BackendChoice, BackendInfo } from './backends.js';
import type { ModelDescription, SegmentationClass } from './models/description.js';
import type { Picture } from './models/picture.js';

/** A network in a file. */
export interface ModelSource {
  /** An ONNX or TensorFlow Lite file: bytes, a Blob, an address, or a path. */
  readonly file: FileSource;
  /**
   * What it takes and gives. Default: what the file's metadata say under `atrous.segmentation`; without it, a description
   * inferred from shapes, whose notes say that the preprocessing is assumed.
   */
  readonly description?: ModelDescription | undefined;
}

/** How far loading has come. */
export interface LoadProgress {
  readonly stage: 'start worker' | 'download' | 'read' | 'start backend';
  /** From 0 to 1, where it is known. */
  readonly fraction?: number | undefined;
}

/** A Web Worker, or one of `node:worker_threads`, that runs this package's `worker.js`. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: never): void;
  terminate(): unknown;
}

export interface LoadOptions {
  /**
   * `'auto'`: the faster of cpu and gpu, measured on this network, where there is a real graphics card; otherwise cpu.
   * Default `'auto'`.
   */
  readonly backend?: 'auto' | BackendChoice | undefined;
  /**
   * Whether everything that takes time runs in a worker. A function starts the worker itself, for bundlers and policies
   * that need it: `() => new Worker('/vendor/worker.js', { type: 'module' })`. Default true.
   */
  readonly worker?: boolean | (() => WorkerLike) | undefined;
  /** Where downloaded models are kept; see `knownModelFile`. Default true. */
  readonly cache?: boolean | string | undefined;
  /** For known models: addresses that are tried before the official ones; the file must be the same. */
  readonly urls?: readonly (string | URL)[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Bytes that the network may take while it runs. Default: what the backend allows. */
  readonly maxMemory?: number | undefined;
}

/**
 * A picture: what browsers have of them, a Blob or File with one (PNG, JPEG and what the browser decodes), an address or
 * a path (in Node: of a PNG or JPEG on the disk), or RGBA pixels.
 */
export type PictureSource =
  | ImageBitmap
  | HTMLVideoElement
  | HTMLCanvasElement
  | HTMLImageElement
  | OffscreenCanvas
  | ImageData
  | Blob
  | URL
  | string
  | Picture;

/** How far a picture has come. */
export interface SegmentProgress {
  readonly stage: 'wait' | 'decode' | 'prepare' | 'start backend' | 'compile' | 'run' | 'label';
  /** From 0 to 1 within the stage, where it is known; while running, by multiply-accumulates. */
  readonly fraction?: number | undefined;
  /** The step of the network, or the tile, that has just ended. */
  readonly step?: string | undefined;
}

export interface SegmentOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SegmentProgress) => void) | undefined;
  /** Whether the result has the logits of every pixel. Default false. */
  readonly logits?: boolean | undefined;
  /**
   * Pixels per side of the tiles in which a large picture is computed, exactly, by `@atrous/tiling`; `true`: the largest
   * that `maxMemory` allows. For networks that take any size. Default: the picture in one piece.
   */
  readonly tile?: number | boolean | undefined;
  /**
   * Whether an ImageBitmap, ImageData or pixels are handed over instead of copied; they cannot be used afterwards.
   * Default false.
   */
  readonly transfer?: boolean | undefined;
}

export interface StageTime {
  readonly name: string;
  readonly milliseconds: number;
}

/** A step of the network that ran. */
export interface StepTime {
  readonly name: string;
  readonly algorithm: string;
  /** Multiply-accumulates. */
  readonly macs: number;
  readonly milliseconds: number;
}

/** Every pixel of a picture with its class. */
export interface Segmentation {
  readonly width: number;
  readonly height: number;
  /** The class of every pixel, an index into `classes`, row by row. */
  readonly labels: Uint8Array<ArrayBuffer>;
  /** The softmax probability of that class, from 1 / classes to 1. */
  readonly confidence: Float32Array<ArrayBuffer>;
  readonly classes: readonly SegmentationClass[];
  /** The part of the pixels that each class has; they add up to 1. */
  readonly shares: readonly number[];
  /** The labels in the colours of their classes, opaque. In Node an object of the same shape. */
  readonly image: ImageData;
  /** `[classes, height, width]`, if asked for. */
  readonly logits?: Float32Array<ArrayBuffer> | undefined;
  /** Where the time went, in order. */
  readonly stages: readonly StageTime[];
  /** The network's steps with their times; none for a picture in tiles. */
  readonly steps: readonly StepTime[];
  /** Multiply-accumulates; for a picture in tiles, what tiles compute twice included. */
  readonly macs: number;
  /** Bytes that the network held while it ran. */
  readonly memory: number;
  /** What really ran. */
  readonly backend: BackendInfo;
}

/** A network that is ready for pictures. */
export interface Segmenter {
  readonly description: ModelDescription;
  /** What runs now. */
  readonly backend: BackendInfo;
  /**
   * Segments a picture. Calls wait for those before them. A picture of the size of the one before compiles nothing, so a
   * video can be segmented frame by frame.
   *
   * @throws FormatError for a picture that is damaged or none; OptionError for one that is too small, or of another
   * origin without CORS; MemoryError above `maxMemory`, or for one of more than 100 megapixels; ExecutionError or
   * DisposedError where the device or the worker is lost; `signal.reason` when cancelled
   */
  segment(picture: PictureSource, options?: SegmentOptions): Promise<Segmentation>;
  /**
   * Changes the backend; the weights stay. If it cannot start, the one before stays.
   *
   * @throws UnsupportedError with the reason why it does not work here
   */
  use(backend: 'auto' | BackendChoice): Promise<BackendInfo>;
  /** Ends the worker and frees everything; what is still running rejects with a DisposedError. */
  dispose(): Promise<void>;
}
