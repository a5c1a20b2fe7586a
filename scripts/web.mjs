// `npm run web`: builds the app (quietly), serves its page and prints the address.
import { fileURLToPath } from 'node:url';
import { preview } from 'vite';
import { buildApp } from './build-app.mjs';

const failed = buildApp();
if (failed) {
  console.error(`${failed}\nthe build failed`);
  process.exit(1);
}
const root = fileURLToPath(new URL('../apps/segmentation', import.meta.url));
const { resolvedUrls } = await preview({ root });
console.log(`the page is at ${resolvedUrls.local[0]} (Ctrl-C ends)`);
