/** Reads pictures, runs the networks and analyses what they give, beside the page. */
import { type Backend, cpu, OptionError, type Tensor } from '@atrous/core';
import { readFile } from '@atrous/core/model';
import { expose, transfer } from 'comlink';
import { type Measurement, measure } from './measure.js';
import { featuresOf } from './network.js';
import { type Plan, plans, withGaps } from './plans.js';
import { readPicture } from './read-picture.js';

/** A picture as it is measured. */
export interface OpenedPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: ImageBitmap;
}

/** Cancels what runs now. */
let running: AbortController | undefined;
let picture: ImageData | undefined;
/** The map of the network with gaps in which the pattern is strongest, of the same picture. */
let pattern: Float32Array | undefined;
let backend: Promise<Backend> | undefined;
const networks = new Map<Plan['id'], (x: Tensor) => Tensor>();

const api = {
  /** Takes the place of the picture before. @throws see `readPicture` */
  async open(file: Blob, name: string): Promise<OpenedPicture> {
    picture = await readPicture(file, name);
    pattern = undefined;
    const pixels = await createImageBitmap(picture);
    return transfer({ width: picture.width, height: picture.height, pixels }, [pixels]);
  },
  /** Measures a network on the picture. @throws an AbortError after `cancel`; what `measure` throws */
  async measure(id: Plan['id'], onProgress: (fraction: number) => void): Promise<Measurement> {
    if (!picture) throw new OptionError('gridding: open a picture before measuring');
    const own = new AbortController();
    running = own;
    // one thread: others on this page are busy showing
    backend ??= cpu({ threads: 1 });
    const features = networks.get(id) ?? (await fetchNetwork(id, own.signal));
    const result = await measure(features, picture, await backend, {
      signal: own.signal,
      onProgress,
      like: id === withGaps ? undefined : pattern,
    });
    if (id === withGaps) pattern = result.maps[result.first]!.slice();
    const { maps, spectrum, profile } = result;
    return transfer(result, [...maps.map(({ buffer }) => buffer), spectrum.power.buffer, profile.buffer]);
  },
  cancel(): void {
    running?.abort();
  },
};

export type GriddingApi = typeof api;
expose(api);

async function fetchNetwork(id: Plan['id'], signal: AbortSignal): Promise<(x: Tensor) => Tensor> {
  const { rates, weights } = plans.find((plan) => plan.id === id)!;
  const features = featuresOf(rates, await readFile(weights, { signal }));
  networks.set(id, features);
  return features;
}
