import { defineConfig, type Options } from 'tsup';

/** The one build of every package: ES modules and declarations; packages name what differs. */
export function library(options: Options = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry: ['src/index.ts'],
    format: ['esm'],
    platform: 'neutral',
    target: 'es2022',
    dts: true,
    sourcemap: true,
    clean: true,
    silent: true,
    // `node:fs` stays `node:fs`; a library entry must not import any of them statically
    external: [/^node:/],
    removeNodeProtocol: false,
    ...options,
  });
}
