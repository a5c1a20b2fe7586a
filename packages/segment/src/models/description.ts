/** A class that a network tells apart, with the colour that stands for it. */
export interface SegmentationClass {
  readonly name: string;
  readonly color: readonly [red: number, green: number, blue: number];
}

/** How pictures become the network's input. */
export interface PictureInput {
  readonly kind: 'picture';
  /** Name of the tensor; default: the only input that the model has. */
  readonly name?: string | undefined;
  /** `'luminance'`: one channel, round(0.299 R + 0.587 G + 0.114 B) of 8-bit sRGB. */
  readonly channels: 'rgb' | 'luminance';
  /** x = (byte · scale − mean) / std, per channel. */
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /**
   * The only size that the network takes: pictures are resized to it and logits back, both bilinear with half-pixel
   * centres. Absent: any size from `minimum` on.
   */
  readonly size?: readonly [height: number, width: number] | undefined;
  /** The smallest side of a picture. Default 1. */
  readonly minimum?: number | undefined;
}

/** How volumes become the network's input, one channel. */
export interface VolumeInput {
  readonly kind: 'volume';
  readonly name?: string | undefined;
  /** Voxels per axis and millimetres per voxel to which volumes are conformed. */
  readonly conform: { readonly size: number; readonly spacing: number };
  /** Over the whole volume: x = (v − min) / (max − min), or with the 2 % and 98 % quantiles, clipped to [0, 1]. */
  readonly normalisation: 'minimum-maximum' | 'quantiles';
}

/** What a network is for, what it takes and what its output means: all that one must know to run it on a picture. */
export interface ModelDescription {
  /** By which it is asked for: lower case, digits, hyphens. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly input: PictureInput | VolumeInput;
  /** Name of the output with the logits, one channel per class; default: the only one. */
  readonly output?: string | undefined;
  readonly classes: readonly SegmentationClass[];
  /** What everybody who sees a result must know, a sentence each. */
  readonly notes: readonly string[];
  readonly licence?: string | undefined;
}

/** The file of a known model. */
export interface ModelFile {
  readonly format: 'onnx' | 'tflite' | 'safetensors';
  /** Where it comes from, tried in order: the official address first, or a file of this package. */
  readonly urls: readonly URL[];
  readonly bytes: number;
  /** SHA-256 of the whole file, hexadecimal. */
  readonly sha256: string;
  /** Whether it comes with the package, so that nothing is downloaded. */
  readonly shipped: boolean;
}

export interface KnownModel {
  readonly description: ModelDescription;
  readonly file: ModelFile;
}
