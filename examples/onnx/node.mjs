// Runs the network that export.py wrote: node examples/onnx/node.mjs
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compile, cpu, tensor } from '@atrous/core';
import { load } from '@atrous/onnx';

const file = fileURLToPath(new URL('./network.onnx', import.meta.url));

/** The logits of a picture, [1, 3, height, width] both. */
export async function segment(pixels, shape) {
  const image = tensor(pixels, shape);
  const backend = await cpu(); // or: await gpu(), from @atrous/gpu
  const model = await load(file);
  const program = await compile(model, { image }, { backend });
  const { logits } = await program.run({ image });
  await backend.dispose();
  return logits;
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const shape = [1, 3, 48, 80];
  const pixels = Float32Array.from({ length: 3 * 48 * 80 }, (_, i) => ((i * 7919) % 256) / 255);
  console.log(await segment(pixels, shape));
}
