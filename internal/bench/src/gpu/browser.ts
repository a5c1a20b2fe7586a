/** The Chromium part of `npm run bench -- --gpu`. */
import { createReadStream, existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type Page, chromium as playwright } from 'playwright';
import { type Connect, createServer, type ViteDevServer } from 'vite';
import { chromium, chromiumArgs } from '../../../../scripts/chromium.js';
import type { Workload } from '../workloads.js';
import type { GpuMeasureOptions } from './measure.js';
import type { PageBench } from './page.js';
import type { GpuRecord } from './records.js';

/** For SharedArrayBuffer, which onnxruntime-web looks for. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const scripts = ['core', 'backend-cpu', 'backend-webgl', 'backend-webgpu'].map(
  (name) => `/peers/@tensorflow/tfjs-${name}/dist/tf-${name}.min.js`,
);

const html = '<!doctype html><meta charset="utf-8"><script type="module" src="/src/gpu/page.ts"></script>';

/** Without what asks for software: whether there is a GPU is tried first. */
const hardwareArgs: string[] = [
  ...chromiumArgs.filter((arg) => !/swiftshader|use-gl=/.test(arg)),
  '--ignore-gpu-blocklist',
  '--enable-features=Vulkan',
];

interface InPage {
  readonly atrousBench: PageBench;
}

export interface BrowserOptions {
  /** The folder of this package. */
  readonly root: URL;
  readonly workloads: readonly Workload[];
  readonly peers: boolean;
  readonly quick: boolean;
  readonly measure: GpuMeasureOptions;
}

/**
 * @param onRecord gets every record as soon as it is there
 * @throws Error if Chromium or the page does not start
 */
export async function measureInChromium(
  { root, workloads, peers, quick, measure }: BrowserOptions,
  onRecord: (record: GpuRecord) => void,
): Promise<void> {
  if (chromium === undefined) throw new Error('no Chromium: CHROMIUM names none, and there is no other');
  const server = await serve(root);
  const address = server.resolvedUrls!.local[0]!;
  let browser: Browser | undefined;
  try {
    browser = await launch(hardwareArgs);
    let page = await open(browser, address);
    if (!(await page.evaluate(() => (globalThis as unknown as InPage).atrousBench.hasGpu()))) {
      await browser.close();
      browser = await launch(chromiumArgs);
      page = await open(browser, address);
    }
    if (peers)
      for (const url of scripts)
        await page.addScriptTag({ url }).catch(() => console.error(`${url} could not be loaded`));
    const { adapters } = await page.evaluate(
      (withPeers) => (globalThis as unknown as InPage).atrousBench.start(withPeers),
      peers,
    );
    onRecord({
      kind: 'session',
      place: `Chromium ${browser.version()}`,
      model: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      quick,
      adapters,
    });
    for (const workload of workloads) {
      const records = await page.evaluate(
        ([one, options]) => (globalThis as unknown as InPage).atrousBench.measure(one, options),
        [workload, measure] as const,
      );
      for (const record of records) onRecord(record);
    }
  } finally {
    await browser?.close();
    await server.close();
  }
}

const launch = (args: string[]): Promise<Browser> =>
  // the caller has made sure that there is one
  playwright.launch({ executablePath: chromium!, args });

async function open(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(address);
  await page.waitForFunction('globalThis.atrousBench && globalThis.crossOriginIsolated');
  return page;
}

/** Vite with the page; beside it, as they are, the files of the peers and the weights of the water network. */
async function serve(root: URL): Promise<ViteDevServer> {
  const files: Connect.NextHandleFunction = (request, response, next) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    for (const [name, value] of Object.entries(isolation)) response.setHeader(name, value);
    if (path === '/') {
      response.setHeader('Content-Type', 'text/html');
      response.end(html);
      return;
    }
    const file = path.startsWith('/peers/')
      ? new URL(`peers/node_modules/${path.slice('/peers/'.length)}`, root)
      : path === '/water-net.safetensors'
        ? new URL('../../packages/segment/assets/water-net.safetensors', root)
        : undefined;
    if (file === undefined) return next();
    if (!existsSync(file)) {
      response.statusCode = 404;
      response.end();
      return;
    }
    response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  };
  const server = await createServer({
    configFile: false,
    root: fileURLToPath(root),
    appType: 'custom',
    logLevel: 'error',
    // packages are ES modules already, and nothing else is imported
    optimizeDeps: { noDiscovery: true },
    server: {
      host: '127.0.0.1',
      hmr: false,
      watch: null,
      headers: isolation,
      fs: { allow: [fileURLToPath(new URL('../../', root))] },
    },
    plugins: [
      {
        name: 'bench-files',
        configureServer: ({ middlewares }) => {
          middlewares.use(files);
        },
      },
    ],
  });
  return server.listen();
}
