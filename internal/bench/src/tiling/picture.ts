/** One process that segments one GeoTIFF file: what sizes.ts starts. */
import { argmax, cast, cpu, type Tensor } from '@atrous/core';
import { type TilePlan, tiled } from '@atrous/tiling';
import { tiffSink, tiffSource } from '@atrous/tiling/files';
import { waterLogits } from '../water.js';

export interface PictureOptions {
  readonly input: string;
  readonly output: string;
  readonly maxMemory: number;
  readonly threads: number;
}

export interface PictureRecord {
  readonly plan: TilePlan;
  /** From opening the file to closing the result. */
  readonly seconds: number;
  /** What all threads of the process took in that time. */
  readonly processorSeconds: number;
  readonly peakBytes: number;
}

async function run({ input, output, maxMemory, threads }: PictureOptions): Promise<PictureRecord> {
  const started = performance.now();
  const logits = await waterLogits();
  const classes = (x: Tensor) => cast(argmax(logits(x), 1, { keepDims: true }), 'uint8');
  const source = await tiffSource(input);
  const backend = await cpu({ threads });
  const job = await tiled(classes, source, { backend, maxMemory });
  const sink = tiffSink(output, { georeference: source.georeference });
  await job.run(sink);
  await sink.close();
  await source.close();
  const seconds = (performance.now() - started) / 1000;
  await backend.dispose();
  const { user, system } = process.cpuUsage();
  return {
    plan: job.plan,
    seconds,
    processorSeconds: (user + system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2]!)))}\n`);
