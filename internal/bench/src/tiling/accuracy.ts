/** How far each way of tiling is from the whole, on the shipped network and the sample picture. */
import { compile, cpu, type Tensor, tensor } from '@atrous/core';
import { ArraySink, arraySource, type Blend, type Source, type TiledOptions, tiled } from '@atrous/tiling';
import { short, table } from '../report/markdown.js';
import { sampleLuminance, waterLogits } from '../water.js';

const tiles = [100, 200];

interface Way extends Pick<TiledOptions, 'halo' | 'order'> {
  readonly name: string;
}

const overlapping = (overlap: number, blend: Blend): Way => ({
  name: `overlap ${overlap}, blend '${blend}'`,
  halo: { overlap, blend },
  order: 'tiles',
});
const ways: readonly Way[] = [
  { name: "halo 'exact', slabs", halo: 'exact', order: 'slabs' },
  { name: "halo 'exact', tiles", halo: 'exact', order: 'tiles' },
  ...[0, 16, 32, 64, 104].map((overlap) => overlapping(overlap, 'none')),
  ...(['constant', 'linear', 'gaussian'] as const).flatMap((blend) =>
    [16, 32, 64].map((overlap) => overlapping(overlap, blend)),
  ),
];
const poolings = ['whole', 'window'] as const;

interface Difference {
  /** Between two logits at one place. */
  readonly logits: number;
  /** Share of places with the same class. */
  readonly labels: number;
}

/** One table per size of tile, as Markdown. */
export async function accuracyMarkdown(onProgress: (text: string) => void): Promise<string> {
  const model = await waterLogits();
  const { bytes, shape } = await sampleLuminance();
  const backend = await cpu();
  const x = tensor(bytes, shape);
  const whole = (await (await compile(model, x, { backend })).run(x)).dataSync() as Float32Array;
  const source = arraySource(bytes, shape, 'uint8');
  const sections: string[] = [];
  for (const tile of tiles) {
    const rows: string[][] = [];
    for (const { name, halo, order } of ways) {
      onProgress(`tiles of ${tile}, ${name}`);
      const row = [name];
      let recompute = 0;
      for (const pooling of poolings) {
        if (order === 'slabs' && pooling === 'window') {
          row.push('', '');
          continue;
        }
        const { logits, plan } = await run(model, source, { backend, tile, halo, order, pooling });
        const { logits: largest, labels } = difference(logits, whole);
        row.push(largest < 1e-3 ? largest.toExponential(0) : short(largest), percent(labels));
        recompute = plan.recompute;
      }
      rows.push([...row, `${recompute.toFixed(2)}×`]);
    }
    const head = [
      `tiles of ${tile}`,
      "pooling 'whole': largest difference of logits",
      'equal labels',
      "pooling 'window': largest difference of logits",
      'equal labels',
      'computed',
    ];
    sections.push(table(head, rows));
  }
  await backend.dispose();
  const [low, high] = whole.reduce(([a, b], value) => [Math.min(a!, value), Math.max(b!, value)], [0, 0]);
  return [
    `${shape.slice(2).join(' × ')} pixels; logits from ${short(low!)} to ${short(high!)}.`,
    ...sections,
  ].join('\n\n');
}

async function run(model: (x: Tensor) => Tensor, source: Source, options: TiledOptions) {
  const job = await tiled(model, source, options);
  const sink = new ArraySink();
  await job.run(sink);
  job.dispose();
  return { logits: sink.data as Float32Array, plan: job.plan };
}

function difference(logits: Float32Array, whole: Float32Array): Difference {
  const pixels = whole.length / 2;
  let [largest, equal] = [0, 0];
  for (const [i, value] of whole.entries()) largest = Math.max(largest, Math.abs(value - logits[i]!));
  for (let i = 0; i < pixels; i++)
    if (logits[i]! < logits[pixels + i]! === whole[i]! < whole[pixels + i]!) equal++;
  return { logits: largest, labels: equal / pixels };
}

/** Never 100 % unless all are equal. */
const percent = (share: number): string =>
  share === 1 ? '100 %' : `${(Math.floor(share * 1e5) / 1e3).toFixed(3)} %`;
