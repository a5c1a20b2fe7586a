// Runs the network that export.py wrote in a page, and draws the class of every pixel.
import { compile, tensor } from '@atrous/core';
import { gpu } from '@atrous/gpu';
import { load } from '@atrous/onnx';

const [height, width] = [48, 80];
const colours = [0x00, 0x80, 0xff];

export async function show(canvas, output) {
  const pixels = Float32Array.from({ length: 3 * height * width }, (_, i) => ((i * 7919) % 256) / 255);
  const image = tensor(pixels, [1, 3, height, width]);
  const backend = await gpu({ mode: 'webasm' }); // or: await gpu() on a real graphics card, await cpu()
  const model = await load(new URL('./network.onnx', import.meta.url));
  const program = await compile(model, { image }, { backend });
  const { logits } = await program.run({ image });
  const scores = logits.dataSync();
  const drawn = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    const each = [0, 1, 2].map((c) => scores[c * height * width + i]);
    drawn.data.fill(colours[each.indexOf(Math.max(...each))], 4 * i, 4 * i + 3);
    drawn.data[4 * i + 3] = 255;
  }
  canvas.getContext('2d').putImageData(drawn, 0, 0);
  output.textContent = `${backend.info.mode}: ${logits}`;
  return logits;
}

const canvas = document.querySelector('canvas');
if (canvas) await show(canvas, document.querySelector('output'));
