import { FormatError, MemoryError, OptionError, type Shape } from '@atrous/core';
import type { Region, Sink, Source } from '../region.js';
import type { Georeference } from './tiff/georeference.js';

/** A picture or volume in a file. */
export interface FileSource extends Source {
  readonly path: string;
  readonly format: 'tiff' | 'png' | 'jpeg' | 'raw';
  /** Where the picture lies on the earth, and what else a GeoTIFF says of it. */
  readonly georeference?: Georeference | undefined;
  /** Red, green and blue that the values of the one band of a TIFF stand for; `read` gives the values. */
  readonly palette?: Palette | undefined;
  close(): Promise<void>;
}

/** Colours by value: red, green and blue from 0 to 255. */
export type Palette = readonly (readonly [red: number, green: number, blue: number])[];

/** A result in a file. It is complete when `close` has returned. */
export interface FileSink extends Sink {
  readonly path: string;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Largest length of one axis, 2³¹ − 1. */
const longest = 2 ** 31 - 1;

/** @throws FormatError for lengths that no picture has; MemoryError for those that no map may have */
export function checkLengths(lengths: readonly number[], name: string): void {
  if (lengths.length === 0 || lengths.some((length) => !Number.isSafeInteger(length) || length < 1))
    throw new FormatError(`${name}: the size ${lengths.join(' × ')} is not that of a picture`, { lengths });
  if (lengths.some((length) => length > longest))
    throw new MemoryError(`${name}: the size ${lengths.join(' × ')} is above 2³¹ − 1 along an axis`, {
      lengths,
    });
}

/** @throws OptionError for a box that does not lie inside the picture */
export function checkRegion({ start, size }: Region, shape: Shape, name: string): void {
  const whole = shape.slice(2);
  const inside = whole.every(
    (length, axis) => start[axis]! >= 0 && size[axis]! >= 1 && start[axis]! + size[axis]! <= length,
  );
  if (!inside || start.length !== whole.length || size.length !== whole.length)
    throw new OptionError(
      `${name}: the region at [${start.join(', ')}] of [${size.join(', ')}] is not inside [${whole.join(', ')}]`,
      { start, size, whole },
    );
}

/** @returns bands, height and width of one picture */
export function pictureShape(shape: Shape, name: string): [bands: number, height: number, width: number] {
  if (shape.length !== 4 || shape[0] !== 1)
    throw new OptionError(
      `${name}: holds one picture, [1, C, H, W], but the result is [${shape.join(', ')}]; write volumes and batches as raw files`,
      { shape },
    );
  return [shape[1]!, shape[2]!, shape[3]!];
}
