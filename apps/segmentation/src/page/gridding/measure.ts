import { type Backend, compile, input, type Tensor, tensor } from '@atrous/core';
import { Breather } from '@atrous/core/backend';
import { knownModel, type Picture, pictureInput, prepare } from '@atrous/segment/models';
import {
  meanSpectrum,
  peakRatio,
  profileOf,
  type Spectrum,
  spectrumOf,
  strongestPattern,
} from './spectrum.js';

/** The last feature maps of a network, and how much of a pattern of period 2 is in them. */
export interface Measurement {
  /** Cells of a map. */
  readonly height: number;
  readonly width: number;
  /** One map per channel. */
  readonly maps: readonly Float32Array<ArrayBuffer>[];
  /** Of each channel's spectrum; NaN for a map that is the same everywhere. */
  readonly channelRatios: readonly number[];
  /** Of the mean of the channels' spectra, each scaled to a total of 1. */
  readonly peakRatio: number;
  readonly spectrum: Spectrum;
  /** Mean power along the axes, at equally wide steps of frequency from 0 to 0.5. */
  readonly profile: Float64Array<ArrayBuffer>;
  /** The channel to show first: that with the largest ratio, or the one most like a given map. */
  readonly first: number;
  /** Where its pattern is strongest: the middle of a window. */
  readonly place: { readonly x: number; readonly y: number };
}

export interface MeasureEvents {
  readonly signal?: AbortSignal | undefined;
  /** How far it has come, from 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

export interface MeasureOptions extends MeasureEvents {
  /** A map of another network for the same picture; the channel most like it is shown first. */
  readonly like?: Float32Array | undefined;
}

/** Steps of the profile. */
const profileSteps = 40;

/** Side of the window in which the pattern is looked for, in cells. */
const windowSide = 32;

/** What the network takes, as the water network does, beside which it was trained. */
const preparation = pictureInput(knownModel('water').description);

/**
 * Runs a network on a picture and analyses its feature maps.
 *
 * @param features see `featuresOf`
 * @throws MemoryError for a picture that is too large; the signal's reason
 */
export async function measure(
  features: (x: Tensor) => Tensor,
  picture: Picture,
  backend: Backend,
  { signal, onProgress, like }: MeasureOptions = {},
): Promise<Measurement> {
  const shape = [1, 1, picture.height, picture.width];
  const compiled = await compile(features, input(shape), { backend, signal });
  try {
    const steps = compiled.program.steps.length;
    const result = await compiled.run(tensor(prepare(picture, preparation), shape), {
      signal,
      onStep: (step) => onProgress?.((0.5 * (step + 1)) / steps),
    });
    const [, , height, width] = result.shape as [number, number, number, number];
    const maps = split(result.dataSync() as Float32Array, height * width);
    const second = (fraction: number) => onProgress?.(0.5 + fraction / 2);
    return await analyse(maps, height, width, { signal, onProgress: second, like });
  } finally {
    compiled.dispose();
  }
}

function split(values: Float32Array, size: number): Float32Array<ArrayBuffer>[] {
  return Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
}

async function analyse(
  maps: readonly Float32Array<ArrayBuffer>[],
  height: number,
  width: number,
  { signal, onProgress, like }: MeasureOptions,
): Promise<Measurement> {
  const breather = new Breather(signal);
  const spectra: Spectrum[] = [];
  for (const map of maps) {
    spectra.push(spectrumOf(map, height, width));
    onProgress?.(spectra.length / maps.length);
    if (breather.due) await breather.pause();
  }
  const channelRatios = spectra.map(peakRatio);
  const first = largest(like ? maps.map((map) => correlation(map, like)) : channelRatios);
  const spectrum = meanSpectrum(spectra);
  return {
    height,
    width,
    maps,
    channelRatios,
    peakRatio: peakRatio(spectrum),
    spectrum,
    profile: profileOf(spectrum, profileSteps),
    first,
    place: strongestPattern(maps[first]!, height, width, windowSide),
  };
}

/** The index of the largest value; 0 if none is a number. */
const largest = (values: readonly number[]): number =>
  values.reduce((best, value, i) => (value > (values[best] || 0) ? i : best), 0);

/** Pearson's coefficient of two maps; NaN if one is the same everywhere. */
function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    both += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return both / Math.sqrt(ofA * ofB);
}
