import { FormatError, ShapeError } from '@atrous/core';
import type { SegmentationClass } from '@atrous/segment/models';
import type { Region } from '@atrous/tiling';
import { openPictureFile, type PictureFile } from '../node/picture-file.js';

/** The reference that a result is compared with. */
export interface Truth {
  /** The classes of a region. Where the result has none, there is none to compare with: its own are given back. */
  read(region: Region, found: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface TruthOptions {
  readonly picture: PictureFile;
  readonly classes: readonly SegmentationClass[];
  readonly maxMemory: number;
}

/**
 * Opens a reference of the size of a picture. A TIFF with one band has numbers of classes; other pictures have the
 * colours of the classes, or grays: numbers of classes, or, where the classes are land and water, white for water.
 *
 * @throws ShapeError for another size; what `openPictureFile` throws
 */
export async function openTruth(path: string, { picture, classes, maxMemory }: TruthOptions): Promise<Truth> {
  const file = await openPictureFile(path, { maxMemory, numbers: true });
  if (file.width !== picture.width || file.height !== picture.height) {
    await file.close();
    throw new ShapeError(
      `${path}: the reference has ${file.width}×${file.height} pixels but ${picture.path} has ${picture.width}×${picture.height}; they must be equal`,
      { reference: [file.width, file.height], picture: [picture.width, picture.height] },
    );
  }
  const numbers = file.format === 'tiff' && file.bands === 1;
  const classAt = classReader(classes, numbers);
  return {
    async read(region, found) {
      const { data } = await file.pixels(region);
      return found.map((label, i) => {
        if (label >= classes.length) return label;
        const index = classAt(data[4 * i]!, data[4 * i + 1]!, data[4 * i + 2]!);
        if (index !== undefined) return index;
        const [red, green, blue] = data.subarray(4 * i, 4 * i + 3);
        throw new FormatError(
          `${path}: has a pixel ${numbers ? red : `(${red}, ${green}, ${blue})`}, which is neither the colour nor the number of one of the ${classes.length} classes`,
          { red, green, blue },
        );
      });
    },
    close: () => file.close(),
  };
}

function classReader(classes: readonly SegmentationClass[], numbers: boolean) {
  const byColour = new Map(classes.map(({ color: [r, g, b] }, index) => [(r << 16) | (g << 8) | b, index]));
  const water = classes.length === 2 ? classes.findIndex(({ name }) => name === 'water') : -1;
  return (red: number, green: number, blue: number): number | undefined => {
    const number = red < classes.length ? red : undefined;
    if (numbers) return number;
    const coloured = byColour.get((red << 16) | (green << 8) | blue);
    if (coloured !== undefined || red !== green || green !== blue) return coloured;
    if (water < 0) return number;
    return red > 127 ? water : 1 - water;
  };
}
