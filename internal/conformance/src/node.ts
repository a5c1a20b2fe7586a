/** Golden data from folders; for Node only. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GoldenSuite, openSuite } from './golden.js';

/** Opens the suite of a folder: by default the one that `CONFORMANCE_DATA` names, or else the one of this package. */
export function openFolder(
  folder: string = process.env.CONFORMANCE_DATA ?? fileURLToPath(new URL('../golden', import.meta.url)),
): Promise<GoldenSuite> {
  return openSuite((path) => readFile(join(folder, path)));
}
