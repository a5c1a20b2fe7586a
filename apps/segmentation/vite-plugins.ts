import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/**
 * The page's policy: only its own files, WebAssembly, workers that are made of text (the CPU engine's threads), and the
 * place from where DeepLabV3 is fetched. `docs/page.md` says what to send as a header.
 */
export const contentSecurityPolicy: string = Object.entries({
  'default-src': "'none'",
  'script-src': "'self' 'wasm-unsafe-eval'",
  'worker-src': "'self' blob:",
  'style-src': "'self'",
  'img-src': "'self' blob: data:",
  'media-src': "'self' blob:",
  'connect-src': "'self' blob: data: https://storage.googleapis.com",
  'base-uri': "'none'",
  'form-action': "'none'",
})
  .map(([name, value]) => `${name} ${value}`)
  .join('; ');

/** Puts the policy into the built page. While it is developed, Vite's own scripts would break it. */
export const policy = (): Plugin => ({
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: contentSecurityPolicy },
      injectTo: 'head-prepend',
    },
  ],
});

/** Tells the service worker which files the page consists of. */
export function precache(worker: string): Plugin {
  let publicFolder = '';
  return {
    name: 'precache',
    apply: 'build',
    configResolved({ publicDir }) {
      publicFolder = publicDir;
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const chunk = bundle[worker];
        if (chunk?.type !== 'chunk') this.error(`${worker} is not built`);
        const built = Object.values(bundle)
          .filter(({ fileName }) => fileName !== worker && !fileName.endsWith('.map'))
          .map((file) => entryOf(file.fileName, file.type === 'chunk' ? file.code : file.source));
        const copied = readdirSync(publicFolder).map((name) =>
          entryOf(name, readFileSync(join(publicFolder, name))),
        );
        chunk.code = `const pageFiles = ${JSON.stringify([...built, ...copied])};\n${chunk.code}`;
      },
    },
  };
}

/** The name of a file in `assets` changes with its content. */
const entryOf = (url: string, content: string | Uint8Array) => ({
  url,
  revision: url.startsWith('assets/')
    ? null
    : createHash('sha256').update(content).digest('hex').slice(0, 16),
});
