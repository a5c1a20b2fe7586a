import type { Measurement } from './measure.js';
import { type Plan, plans } from './plans.js';
import type { Spectrum } from './spectrum.js';
import { channelOf, type State, zoomOf, zoomSide } from './state.js';

/** What each canvas shows; one that shows it already is not drawn again. */
const drawn = new WeakMap<HTMLCanvasElement, readonly unknown[]>();

/** Draws what a state shows on the canvases of the view. */
export function paintCanvases(root: ParentNode, state: State): void {
  const { picture } = state;
  const canvas = root.querySelector<HTMLCanvasElement>('canvas[data-draw="picture"]');
  if (canvas && picture) once(canvas, [picture], () => paintPicture(canvas, picture.pixels));
  for (const { id } of plans) {
    const measurement = state.measured[id];
    if (measurement) paintPlan(root, state, id, measurement);
  }
}

function paintPlan(root: ParentNode, state: State, id: Plan['id'], measurement: Measurement): void {
  const { maps, spectrum, width, height } = measurement;
  const map = maps[channelOf(state, id, measurement)]!;
  const { left, top } = zoomOf(state, measurement);
  for (const canvas of root.querySelectorAll<HTMLCanvasElement>(`canvas[data-plan="${id}"]`)) {
    const size = (w: number, h: number) => {
      canvas.width = w;
      canvas.height = h;
    };
    switch (canvas.dataset.draw) {
      case 'map':
        once(canvas, [map], () => {
          size(width, height);
          paintGray(canvas, map);
        });
        break;
      case 'zoom':
        once(canvas, [map, left, top], () => {
          size(zoomSide, zoomSide);
          paintGray(canvas, cut(map, width, left, top));
        });
        break;
      case 'spectrum':
        once(canvas, [spectrum], () => {
          size(spectrum.width, spectrum.height);
          paintGray(canvas, centredLogarithms(spectrum));
        });
    }
  }
}

function once(canvas: HTMLCanvasElement, shows: readonly unknown[], draw: () => void): void {
  const before = drawn.get(canvas);
  if (before && shows.every((value, i) => value === before[i])) return;
  drawn.set(canvas, shows);
  draw();
}

function paintPicture(canvas: HTMLCanvasElement, pixels: ImageBitmap): void {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext('2d')!.drawImage(pixels, 0, 0);
}

/** The smallest value black, the largest white. */
function paintGray(canvas: HTMLCanvasElement, values: Float32Array): void {
  const { width, height } = canvas;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const image = new ImageData(width, height);
  const scale = 255 / Math.max(most - least, 1e-12);
  for (let i = 0; i < values.length; i++) {
    const gray = (values[i]! - least) * scale;
    image.data.fill(gray, 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}

function cut(map: Float32Array, width: number, left: number, top: number): Float32Array {
  return Float32Array.from({ length: zoomSide * zoomSide }, (_, i) => {
    const [y, x] = [Math.floor(i / zoomSide), i % zoomSide];
    return map[(top + y) * width + left + x]!;
  });
}

/** Decades of power that a spectrum shows below its largest value. */
const decades = 6;

/** Logarithms of the power, frequency 0 in the middle. */
function centredLogarithms({ height, width, power }: Spectrum): Float32Array {
  const largest = Math.log10(power.reduce((most, value) => Math.max(most, value), 1e-30));
  return Float32Array.from(power, (_, i) => {
    const y = (Math.floor(i / width) + Math.ceil(height / 2)) % height;
    const x = ((i % width) + Math.ceil(width / 2)) % width;
    return Math.max(Math.log10(power[y * width + x]! + 1e-30), largest - decades);
  });
}
