/** A tiled job on files as a process of its own: `node child.js '{"input": …}'`. */
import { readFileSync } from 'node:fs';
import { cast, conv2d, cpu, maxPool2d, relu, type Tensor, tensor } from '@atrous/core';
import { tiled } from '@atrous/tiling';
import { fileJournal, openPicture, tiffSink } from '@atrous/tiling/files';

export interface ChildOptions {
  readonly input: string;
  readonly output: string;
  readonly journal?: string;
  readonly model: 'pool' | 'convolution';
  readonly tile: number;
  readonly order?: 'tiles' | 'slabs';
}

const kernel = tensor([0.1, 0.2, 0.1, 0, -0.5, 0.3, 0.2, 0.1, -0.1], [1, 1, 3, 3]);
const models: Readonly<Record<ChildOptions['model'], (x: Tensor) => Tensor>> = {
  pool: (x) => cast(maxPool2d(cast(x, 'float32'), 3, { stride: 1, padding: 1 }), 'uint8'),
  convolution: (x) => relu(conv2d(cast(x, 'float32'), kernel, { dilation: 3, padding: 3 })),
};

async function main(): Promise<void> {
  const options: ChildOptions = JSON.parse(process.argv[2]!);
  const source = await openPicture(options.input);
  const backend = await cpu({ threads: 1 });
  const { tile, order = 'tiles' } = options;
  const job = await tiled(models[options.model], source, { backend, tile, order });
  const sink = tiffSink(options.output, { georeference: source.georeference });
  await job.run(sink, {
    ...(options.journal && { journal: fileJournal(options.journal) }),
    onProgress: ({ done }) => void process.stdout.write(`tile ${done}\n`),
  });
  await sink.close();
  const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  process.stdout.write(`peak ${peak?.[1]}\n`);
  await backend.dispose();
}

main().catch((error) => {
  process.stderr.write(`${error.name}: ${error.message}\n`);
  process.exitCode = 1;
});
