/** A page that computes tiles in two workers. */
import { conv2d, cpu, relu, type Tensor, tensor } from '@atrous/core';
import { ArraySink, arraySource, tiled } from '@atrous/tiling';
import { workerBackend } from '@atrous/tiling/workers';

const kernel = tensor(
  Float32Array.from({ length: 36 }, (_, i) => Math.sin(i)),
  [2, 2, 3, 3],
);
const network = (x: Tensor) => relu(conv2d(x, kernel, { dilation: 2, padding: 2 }));
const shape = [1, 2, 60, 50];
const source = arraySource(
  Float32Array.from({ length: 6000 }, (_, i) => Math.cos(i)),
  shape,
  'float32',
);

async function compute() {
  const run = async (backend: Parameters<typeof tiled>[2]['backend']) => {
    const job = await tiled(network, source, { backend, tile: 16, order: 'tiles' });
    const sink = new ArraySink();
    await job.run(sink);
    return sink.data!;
  };
  const workers = await Promise.all([workerBackend(), workerBackend()]);
  const [one, two] = [await run(await cpu({ threads: 1 })), await run(workers)];
  await Promise.all(workers.map((each) => each.dispose()));
  return {
    isolated: crossOriginIsolated,
    info: workers[0]!.info,
    count: two.length,
    same: one.every((value, i) => Object.is(value, two[i])),
  };
}

Object.assign(globalThis, { result: compute().catch((error) => ({ error: String(error) })) });
