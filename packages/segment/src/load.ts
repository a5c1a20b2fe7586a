import { OptionError } from '@atrous/core';
import type { FileSource } from '@atrous/core/model';
import { transfer } from 'comlink';
import type { BackendChoice, BackendInfo, BackendReport } from './backends.js';
import type { EngineEvents, EngineOptions, EngineResult } from './engine/engine.js';
import type { OpenRequest } from './engine/open.js';
import type { ModelDescription } from './models/description.js';
import { absolute, messageOf, type PictureMessage, transferables } from './picture/message.js';
import type { LoadOptions, ModelSource, Segmentation, Segmenter, WorkerLike } from './types.js';
import { Client } from './worker/client.js';
import { spawn } from './worker/spawn.js';

/** Where the network is: in a worker, or here. */
interface Host {
  readonly description: ModelDescription;
  readonly backend: BackendInfo;
  segment(picture: PictureMessage, options: EngineOptions, events: EngineEvents): Promise<EngineResult>;
  use(choice: 'auto' | BackendChoice): Promise<BackendInfo>;
  dispose(): Promise<void> | void;
}

/**
 * Makes a network ready for pictures: fetches and reads it, and starts a backend, in a worker.
 *
 * ```ts
 * const segmenter = await load('deeplabv3-mobilenetv2', { onProgress: ({ stage, fraction }) => show(stage, fraction) });
 * const { labels, shares, image } = await segmenter.segment(document.querySelector('img'));
 * context.putImageData(image, 0, 0);
 * await segmenter.dispose();
 * ```
 *
 * @param model the name of a known model (`water`, `deeplabv3-mobilenetv2`), or a file
 * @throws OptionError for an unknown name; DownloadError; FormatError for a file that is damaged or a description that
 * does not fit; UnsupportedError for a network or backend that does not run here; `signal.reason` when cancelled
 */
export async function load(model: string | ModelSource, options: LoadOptions = {}): Promise<Segmenter> {
  options.signal?.throwIfAborted();
  const request = requestOf(model, options);
  const { worker = true } = options;
  return segmenterOf(
    worker === false ? await openHere(request, options) : await openInWorker(request, worker, options),
  );
}

/**
 * Every backend and mode of gpu.js, with whether it works here or why not, in a worker as `load` starts it.
 */
export async function describeBackends({
  worker = true,
}: Pick<LoadOptions, 'worker'> = {}): Promise<readonly BackendReport[]> {
  if (worker === false) return await (await import('./start-backend.js')).backendsHere();
  const client = clientOf(worker);
  try {
    return await client.call((api, job) => api.backends(job));
  } finally {
    client.dispose();
  }
}

const clientOf = (worker: true | (() => WorkerLike)): Client =>
  new Client(spawn(worker === true ? undefined : worker));

async function openInWorker(
  request: OpenRequest,
  worker: true | (() => WorkerLike),
  events: LoadOptions,
): Promise<Host> {
  events.onProgress?.({ stage: 'start worker' });
  const client = clientOf(worker);
  try {
    return {
      ...(await client.call((api, job) => api.open(job, request), events)),
      segment: (picture, options, events) =>
        client.call(
          (api, job) => api.segment(job, transfer(picture, transferables(picture)), options),
          events,
        ),
      use: (choice) => client.call((api, job) => api.use(job, choice)),
      dispose: () => client.dispose(),
    };
  } catch (error) {
    client.dispose();
    throw error;
  }
}

async function openHere(request: OpenRequest, events: LoadOptions): Promise<Host> {
  const { openEngine } = await import('./engine/open.js');
  const engine = await openEngine(request, events);
  return {
    description: engine.description,
    backend: engine.backend!,
    segment: (picture, options, events) => engine.segment(picture, options, events),
    use: (choice) => engine.use(choice),
    dispose: () => engine.dispose(),
  };
}

function requestOf(
  model: string | ModelSource,
  { backend = 'auto', cache = true, urls = [], maxMemory }: LoadOptions,
): OpenRequest {
  const common = { backend, maxMemory };
  if (typeof model === 'string')
    return { ...common, model: { known: model, cache, urls: urls.map(absolute) } };
  const { file, description } = Object(model) as Partial<ModelSource>;
  if (file === undefined)
    throw new OptionError('load: give the name of a known model, or { file } with an ONNX or TFLite file', {
      model,
    });
  return { ...common, model: { file: travelling(file), description } };
}

/** A file as it can go to a worker, which has another base than the page. */
function travelling(file: FileSource): Exclude<FileSource, URL> {
  return typeof file === 'string' || file instanceof URL ? absolute(file) : file;
}

function segmenterOf(host: Host): Segmenter {
  let { backend } = host;
  const { description } = host;
  return {
    description,
    get backend() {
      return backend;
    },
    async segment(source, { signal, onProgress, logits = false, tile = false, transfer = false } = {}) {
      signal?.throwIfAborted();
      const picture = await messageOf(source, transfer);
      const { pixels, ...result } = await host.segment(picture, { logits, tile }, { signal, onProgress });
      backend = result.backend;
      return { ...result, classes: description.classes, image: imageOf(pixels, result) };
    },
    async use(choice) {
      backend = await host.use(choice);
      return backend;
    },
    async dispose() {
      await host.dispose();
    },
  };
}

/** An ImageData where there is one; in Node an object of its shape. */
function imageOf(
  data: Uint8ClampedArray<ArrayBuffer>,
  { width, height }: Pick<Segmentation, 'width' | 'height'>,
): ImageData {
  if (globalThis.ImageData !== undefined) return new ImageData(data, width, height);
  return { data, width, height, colorSpace: 'srgb' } as ImageData;
}
