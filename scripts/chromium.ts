import { existsSync } from 'node:fs';

const path = process.env.CHROMIUM || '/usr/bin/chromium';

/** The Chromium that browser tests run in: the one `CHROMIUM` names, otherwise Debian's; undefined if not there. */
export const chromium: string | undefined = existsSync(path) ? path : undefined;

/** Headless, without a GPU: WebGL2 with float targets and WebGPU, both in software; no traffic of its own. */
export const chromiumArgs: string[] = [
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // Chromium's sandbox refuses to run as root, which is what containers usually are
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];
