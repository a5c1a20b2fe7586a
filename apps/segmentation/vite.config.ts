import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { policy, precache } from './vite-plugins.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// decoders for Node, which @atrous/segment never loads in a browser
const external = ['pngjs', 'jpeg-js'];
const serviceWorker = 'service-worker.js';

// a production build of the page beside the command: dist/page
export default defineConfig({
  base: './',
  logLevel: 'warn',
  plugins: [policy(), precache(serviceWorker)],
  build: {
    outDir: 'dist/page',
    target: 'es2022',
    // gpu.js, loaded when asked for, is 680 kB
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      external,
      input: { index: here('index.html'), 'service-worker': here('src/page/service-worker.ts') },
      output: {
        // a service worker serves what lies below it
        entryFileNames: ({ name }) => (name === 'service-worker' ? serviceWorker : 'assets/[name]-[hash].js'),
      },
      checks: { pluginTimings: false },
    },
  },
  // module workers may load parts later: gpu.js when it is asked for
  worker: { format: 'es', rolldownOptions: { external } },
  // SharedArrayBuffer, and with it threads, needs an isolated page
  server: { headers: isolated() },
  preview: { headers: isolated() },
});

function isolated(): Record<string, string> {
  return {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  };
}
