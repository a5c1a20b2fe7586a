import { readFile, writeFile } from 'node:fs/promises';
import type { Options } from '../options.js';
import { accuracyMarkers, replaceMeasured, sizesMarkers } from '../report/document.js';
import { accuracyMarkdown } from './accuracy.js';
import { sides, sizesMarkdown } from './sizes.js';

/** @throws TypeError if `--only` names nothing, or `--write` would lose rows */
export async function runTiling({ only, threads, write }: Options, documentFile: URL): Promise<void> {
  const wanted = (id: string) => only.length === 0 || only.includes(id);
  const chosen = sides.filter((side) => wanted(String(side)));
  const accuracy = wanted('accuracy');
  if (!accuracy && chosen.length === 0)
    throw new TypeError(`--only takes accuracy, ${sides.join(', ')}, but got ${only.join(', ')}`);
  if (write && chosen.length > 0 && chosen.length < sides.length)
    throw new TypeError('--write puts in the whole table of sizes; measure all of them, or write nothing');
  const onProgress = (text: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${text}\u001b[K`);
  };
  const parts = [
    ...(accuracy ? [{ markers: accuracyMarkers, make: () => accuracyMarkdown(onProgress) }] : []),
    ...(chosen.length > 0
      ? [{ markers: sizesMarkers, make: () => sizesMarkdown(chosen, threads.at(-1)!, onProgress) }]
      : []),
  ];
  for (const { markers, make } of parts) {
    const markdown = await make();
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    console.log(`${markdown}\n`);
    if (write)
      await writeFile(documentFile, replaceMeasured(await readFile(documentFile, 'utf8'), markdown, markers));
  }
}
