import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { knownModel, type Picture, waterModel } from '@atrous/segment/models';
import { PNG } from 'pngjs';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Path of a file in test/fixtures. */
export const fixture = (name: string): string => here(`fixtures/${name}`);

/** Networks too large for the repository lie beside it. */
export const networks = here('../../../../shared/models/networks');
export const withoutNetworks = existsSync(networks) ? undefined : 'without ../shared/models/networks';

/** The shipped network. */
export const water = () => waterModel(readFileSync(knownModel('water').file.urls[0]!));

export function readPng(path: string): Picture {
  const { width, height, data } = PNG.sync.read(readFileSync(path));
  return { width, height, data: Uint8Array.from(data) };
}

/** The largest absolute difference between two arrays of the same length. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length} differ`);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}
