// Finds water on a satellite picture: node examples/segment/node.mjs [picture.png]
import { argv } from 'node:process';
import { load } from '@atrous/segment';

const picture =
  argv[2] ?? new URL('../../packages/segment/test/fixtures/east-africa_256_rgb.png', import.meta.url);

const segmenter = await load('water'); // or 'deeplabv3-mobilenetv2', or { file: 'network.onnx' }
const { width, height, classes, shares, stages, backend } = await segmenter.segment(picture);

console.log(`${width}×${height} pixels on ${backend.name}`);
for (const [i, { name }] of classes.entries()) console.log(`${name}: ${(100 * shares[i]).toFixed(1)} %`);
for (const { name, milliseconds } of stages) console.log(`${name}: ${milliseconds.toFixed(0)} ms`);
for (const note of segmenter.description.notes) console.log(note);
