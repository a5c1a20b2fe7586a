/** Memory and time of whole GeoTIFF files through the shipped network, each in a process of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { tiffSink } from '@atrous/tiling/files';
import { short, table } from '../report/markdown.js';
import { runChild } from '../run-session.js';
import { mirrored, sampleLuminance } from '../water.js';
import type { PictureOptions, PictureRecord } from './picture.js';

/** Sides of the pictures in pixels. */
export const sides: readonly number[] = [2000, 8000, 20_000];

/** What the programs and buffers of a run may hold. */
const maxMemory = 300e6;

/** One row per picture, as Markdown. */
export async function sizesMarkdown(
  chosen: readonly number[],
  threads: number,
  onProgress: (text: string) => void,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atrous-bench-'));
  const rows: string[][] = [];
  try {
    for (const side of chosen) {
      onProgress(`${side} × ${side} pixels`);
      const options = { input: join(folder, 'in.tif'), output: join(folder, 'out.tif'), maxMemory, threads };
      await writePicture(options.input, side);
      rows.push(rowOf(side, await measured(options)));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const head = [
    'picture',
    'order',
    'tiles',
    'window',
    'computed',
    'planned memory, MB',
    'peak of the process, MB',
    'time, s',
    'of processors, s',
    'megapixels a second',
  ];
  return `Node ${process.version.slice(1)}, ${cpus()[0]?.model ?? 'unknown'}, ${threads === 1 ? 'one thread' : `${threads} threads`}, maxMemory ${maxMemory / 1e6} MB.

${table(head, rows)}`;
}

async function writePicture(path: string, side: number): Promise<void> {
  const { bytes, shape } = await sampleLuminance();
  const source = mirrored(bytes, shape, side);
  const sink = tiffSink(path);
  await sink.begin?.(source, 0);
  const step = 2048;
  for (let y = 0; y < side; y += step)
    for (let x = 0; x < side; x += step) {
      const region = { start: [y, x], size: [Math.min(step, side - y), Math.min(step, side - x)] };
      await sink.write(region, await source.read(region, {}), source);
    }
  await sink.close();
}

async function measured(options: PictureOptions): Promise<PictureRecord> {
  let record: PictureRecord | undefined;
  await runChild<PictureRecord>(process.execPath, './tiling-picture.js', options, (line) => {
    record = line;
  });
  if (!record) throw new Error('the measuring process said nothing');
  return record;
}

function rowOf(side: number, { plan, seconds, processorSeconds, peakBytes }: PictureRecord): string[] {
  const { order, counts, window, recompute, memory } = plan;
  return [
    `${side} × ${side}`,
    order,
    counts.join(' × '),
    window.join(' × '),
    `${recompute.toFixed(2)}×`,
    (memory / 1e6).toFixed(0),
    (peakBytes / 1e6).toFixed(0),
    short(seconds),
    short(processorSeconds),
    short(side ** 2 / 1e6 / seconds),
  ];
}
