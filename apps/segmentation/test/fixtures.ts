import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { knownModel, type Picture, waterModel } from '@atrous/segment/models';
import { openPictureFile } from '../src/node/picture-file.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Path of a file in test/fixtures. */
export const fixture = (name: string): string => here(`fixtures/${name}`);

/** Path of a file that ships with the app. */
export const asset = (name: string): string => here(`../assets/${name}`);

/** The shipped network. */
export const water = () => waterModel(readFileSync(knownModel('water').file.urls[0]!));

/** All pixels of a picture. */
export async function readPicture(path: string): Promise<Picture> {
  const file = await openPictureFile(path, { maxMemory: 1e9 });
  const pixels = await file.pixels({ start: [0, 0], size: [file.height, file.width] });
  await file.close();
  return pixels;
}
