import type { DType } from '@atrous/core';
import { type Directory, type Field, fieldType } from './directory.js';

/** Where a picture lies on the earth, as GeoTIFF says it (OGC 19-008r4), and what GDAL adds. */
export interface Georeference {
  /** The picture that the rest speaks of. */
  readonly height: number;
  readonly width: number;
  /** Size of a pixel in the units of the coordinate system: x, y, z. */
  readonly pixelScale?: readonly number[] | undefined;
  /** Column, row, 0 and the x, y, z that lie there; one or more of them. */
  readonly tiepoints?: readonly number[] | undefined;
  /** 4 × 4, row-major: from column, row, 0, 1 to x, y, z, 1. */
  readonly transformation?: readonly number[] | undefined;
  /** The coordinate system: keys, and the numbers and the text that they refer to. */
  readonly keys?: readonly number[] | undefined;
  readonly keyNumbers?: readonly number[] | undefined;
  readonly keyText?: string | undefined;
  /** GDAL's metadata, XML. */
  readonly metadata?: string | undefined;
  /** The sample that means "nothing here". */
  readonly nodata?: number | undefined;
}

const numberTags = {
  pixelScale: [33550, fieldType.double],
  tiepoints: [33922, fieldType.double],
  transformation: [34264, fieldType.double],
  keys: [34735, fieldType.short],
  keyNumbers: [34736, fieldType.double],
} as const;
const textTags = { keyText: 34737, metadata: 42112 } as const;
const nodataTag = 42113;

const namesOf = <T extends object>(table: T) => Object.keys(table) as (keyof T)[];

/** @returns undefined for a picture that says nothing of the kind */
export async function readGeoreference(
  directory: Directory,
  height: number,
  width: number,
): Promise<Georeference | undefined> {
  const found: Record<string, unknown> = {};
  for (const name of namesOf(numberTags)) {
    const values = await directory.values(numberTags[name][0]);
    if (values) found[name] = [...values];
  }
  for (const name of namesOf(textTags)) {
    const text = await directory.text(textTags[name]);
    if (text !== undefined) found[name] = text;
  }
  const nodata = Number.parseFloat((await directory.text(nodataTag))?.trim() ?? '');
  const given = await directory.text(nodataTag);
  if (given !== undefined && (!Number.isNaN(nodata) || /nan/i.test(given))) found.nodata = nodata;
  return Object.keys(found).length > 0 ? { height, width, ...found } : undefined;
}

/** GTRasterTypeGeoKey: coordinates belong to the middle of a pixel rather than to its corner. */
function isPoint({ keys = [] }: Georeference): boolean {
  for (let i = 4; i + 3 < keys.length; i += 4) if (keys[i] === 1025) return keys[i + 3] === 2;
  return false;
}

/**
 * The same place for a picture of another size, whose pixels are larger or smaller.
 *
 * @param step pixels of the picture per pixel of the result, down and across
 */
export function scaled(
  from: Georeference,
  height: number,
  width: number,
  step: readonly [number, number],
): Georeference {
  const [down, across] = step;
  if (down === 1 && across === 1) return { ...from, height, width };
  // the middle of the first pixel moves with its size, its corner does not
  const middle = isPoint(from) ? 0.5 : 0;
  const { pixelScale, tiepoints, transformation } = from;
  return {
    ...from,
    height,
    width,
    pixelScale: pixelScale?.map((size, axis) => size * ([across, down][axis] ?? 1)),
    tiepoints: tiepoints?.map((value, i) =>
      i % 6 > 1 ? value : (value + middle) / (i % 6 === 0 ? across : down) - middle,
    ),
    transformation: transformation?.map((value, i) => {
      const row = i - (i % 4);
      if (i % 4 === 0) return value * across;
      if (i % 4 === 1) return value * down;
      const moved = transformation[row]! * (across - 1) + transformation[row + 1]! * (down - 1);
      return i % 4 === 3 && row < 12 ? value + middle * moved : value;
    }),
  };
}

const ranges: Readonly<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  float32: [-Infinity, Infinity],
};
const holds = (dtype: DType, value: number): boolean =>
  dtype === 'float32' || (Number.isInteger(value) && value >= ranges[dtype][0] && value <= ranges[dtype][1]);

const ascii = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);

/** Statistics are those of other samples, and a band's metadata means nothing where bands are others. */
const outdated = /\s*<Item [^>]*(?:name="STATISTICS_|sample=)[^>]*>[^<]*<\/Item>/g;

/** The tags of a result. A nodata value that its dtype does not hold is left out. */
export function georeferenceFields(georeference: Georeference, dtype: DType): Field[] {
  const fields: Field[] = [];
  for (const name of namesOf(numberTags)) {
    const values = georeference[name];
    if (values?.length) fields.push({ tag: numberTags[name][0], type: numberTags[name][1], values });
  }
  const { keyText, nodata } = georeference;
  const metadata = georeference.metadata?.replace(outdated, '');
  if (keyText) fields.push({ tag: textTags.keyText, type: fieldType.ascii, values: ascii(keyText) });
  if (metadata && /<Item/.test(metadata))
    fields.push({ tag: textTags.metadata, type: fieldType.ascii, values: ascii(metadata) });
  if (nodata !== undefined && holds(dtype, nodata))
    fields.push({
      tag: nodataTag,
      type: fieldType.ascii,
      values: ascii(Number.isNaN(nodata) ? 'nan' : String(nodata)),
    });
  return fields;
}
