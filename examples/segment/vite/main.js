// The same in an application that Vite bundles.
import { load } from '@atrous/segment';
import picture from '../../../packages/segment/test/fixtures/east-africa_256_rgb.png';

async function show(output) {
  const segmenter = await load('water');
  const { classes, shares } = await segmenter.segment(picture);
  output.textContent = classes.map(({ name }, i) => `${name} ${(100 * shares[i]).toFixed(1)} %`).join(', ');
  await segmenter.dispose();
}

const output = document.querySelector('output');
show(output).catch((error) => {
  output.textContent = error.message;
});
