import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, OptionError } from '@atrous/core';
import type { Picture, SegmentationClass } from '@atrous/segment/models';
import type { Region, Sink } from '@atrous/tiling';
import { FileError, type FileSink, pngSink, tiffSink } from '@atrous/tiling/files';
import type { PictureFile } from '../node/picture-file.js';
import { Confusion } from '../scores.js';
import type { Input } from './inputs.js';
import type { Options, Written } from './options.js';
import type { Truth } from './truth.js';

const opacity = 0.45;
/** Pixels that are counted and painted at once. */
const part = 2 ** 18;
/** The class of pixels where the picture has nothing. */
const nothing = 255;

/** Where a result goes: under a name that was given, or `NAME-kind.ending` in the folder for results. */
export const resultPath = (
  written: Written,
  { out }: Options,
  { name }: Input,
  ending: string,
): string | undefined =>
  written === true ? join(out, `${name}-${ending}`) : written === false ? undefined : written;

/**
 * Looks at the name of a result before anything is computed.
 *
 * @param endings a pattern, and how it reads
 * @throws OptionError for another ending; FileError if there is a folder of this name
 */
export async function checkResult(
  path: string | undefined,
  [pattern, text]: readonly [RegExp, string],
): Promise<void> {
  if (path === undefined) return;
  if (!pattern.test(path))
    throw new OptionError(`${path}: the name of this result ends with ${text}`, { path });
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new FileError(`${path}: cannot write (it is a folder)`, { path });
}

export interface PictureResults {
  readonly picture: PictureFile;
  readonly classes: readonly SegmentationClass[];
  readonly mask: string | undefined;
  readonly overlay: string | undefined;
  readonly truth: Truth | undefined;
  /** Largest PNG that is collected. */
  readonly maxPixels: number;
}

export const pictureEndings = [/\.(png|tiff?)$/i, '.png or .tif'] as const;

/**
 * Takes the classes of a picture region by region: counts them, compares them with a reference, and writes mask and
 * overlay, TIFF or PNG by their names. Where a TIFF says that it has no data, the mask has 255.
 */
export class ResultSink implements Sink {
  /** Pixels of each class. */
  readonly counts: Float64Array;
  readonly confusion: Confusion | undefined;
  readonly #results: PictureResults;
  readonly #mask: FileSink | undefined;
  readonly #overlay: FileSink | undefined;
  readonly #nodata: number | undefined;

  constructor(results: PictureResults) {
    const { picture, classes, mask, overlay, truth, maxPixels } = results;
    this.#results = results;
    this.counts = new Float64Array(classes.length);
    this.confusion = truth && new Confusion(classes.length);
    const nodata = picture.georeference?.nodata;
    this.#nodata = classes.length <= nothing ? nodata : undefined;
    // what the picture's bands mean does not hold for classes
    const georeference = picture.georeference && { ...picture.georeference, metadata: undefined };
    const sink = (path: string | undefined, palette?: SegmentationClass['color'][], own?: number) => {
      if (path === undefined) return undefined;
      // a PNG is written at its end, and then at once
      return /\.png$/i.test(path)
        ? pngSink(path, { palette, maxPixels })
        : tiffSink(`${path}.part`, {
            georeference: georeference && { ...georeference, nodata: own },
            palette,
          });
    };
    const colours = classes.map(({ color }) => color);
    this.#mask = sink(mask, colours, this.#nodata === undefined ? undefined : nothing);
    this.#overlay = sink(overlay);
  }

  async begin({ shape }: { readonly shape: readonly number[] }): Promise<void> {
    const { width, height, path } = this.#results.picture;
    if (shape[2] !== height || shape[3] !== width)
      throw new FormatError(
        `${path}: has ${width}×${height} pixels, and the tiles are of a picture of ${shape[3]}×${shape[2]}`,
        { shape, width, height },
      );
  }

  async write({ start, size }: Region, values: Uint8Array): Promise<void> {
    const [high, wide] = size as [number, number];
    const rows = Math.max(1, Math.floor(part / wide));
    for (let y = 0; y < high; y += rows) {
      const region = { start: [start[0]! + y, start[1]!], size: [Math.min(rows, high - y), wide] };
      await this.#writeStrip(region, values.subarray(y * wide, (y + region.size[0]!) * wide));
    }
  }

  async #writeStrip(region: Region, labels: Uint8Array): Promise<void> {
    const { picture, classes, truth } = this.#results;
    const pixels = this.#overlay || this.#nodata !== undefined ? await picture.pixels(region) : undefined;
    const found = pixels && this.#nodata !== undefined ? without(labels, pixels, this.#nodata) : labels;
    for (const label of found) {
      if (label < classes.length) this.counts[label]!++;
      else if (label !== nothing || this.#nodata === undefined)
        throw new FormatError(
          `${picture.path}: a tile has class ${label} and the model has ${classes.length}; merge with the model that made the tiles`,
          { label, classes: classes.length },
        );
    }
    if (truth) this.confusion!.add(found, await truth.read(region, found));
    const shape = [1, 1, picture.height, picture.width];
    await this.#mask?.write(region, found, { shape, dtype: 'uint8' });
    if (this.#overlay && pixels)
      await this.#overlay.write(region, blended(pixels, found, classes), {
        shape: [1, 3, picture.height, picture.width],
        dtype: 'uint8',
      });
  }

  /** Completes the files; only now they stand under their names. @returns their paths */
  async finish(): Promise<string[]> {
    const { mask, overlay } = this.#results;
    const files: string[] = [];
    for (const [sink, path] of [
      [this.#overlay, overlay],
      [this.#mask, mask],
    ] as const) {
      if (!sink || path === undefined) continue;
      await sink.close();
      if (sink.path !== path) await rename(sink.path, path);
      files.push(path);
    }
    return files;
  }

  /** Removes what is not complete. */
  async abandon(): Promise<void> {
    for (const sink of [this.#overlay, this.#mask]) {
      // a PNG has not been written, and would be by closing it
      if (!sink?.path.endsWith('.part')) continue;
      await sink.close().catch(() => {});
      await rm(sink.path, { force: true });
    }
  }
}

/** The labels, with "nothing" where the pixels have the value that means it. */
function without(labels: Uint8Array, { data }: Picture, nodata: number): Uint8Array {
  return labels.map((label, i) =>
    data[4 * i] === nodata && data[4 * i + 1] === nodata && data[4 * i + 2] === nodata ? nothing : label,
  );
}

/** The picture under the colours of its classes, as planes; transparent pixels lie on black. */
function blended({ data }: Picture, labels: Uint8Array, classes: readonly SegmentationClass[]): Uint8Array {
  const count = labels.length;
  const planes = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++) {
    const color = classes[labels[i]!]?.color;
    const over = color ? opacity : 0;
    const under = ((1 - over) * data[4 * i + 3]!) / 255;
    for (let c = 0; c < 3; c++)
      planes[c * count + i] = Math.round(under * data[4 * i + c]! + over * (color?.[c] ?? 0));
  }
  return planes;
}
