import { type Scale, scaleOf, steps } from '@atrous/rf/figures';
import type { Cells, Profile, Reach, Region } from './analysis.js';
import type { OpenedPicture } from './picture.js';

/** One scale for several maps, so that they can be compared. Undefined if there is nothing to colour. */
export function commonScale(maps: readonly (Cells | undefined)[]): Scale | undefined {
  let [min, max] = [Infinity, 0];
  for (const map of maps)
    for (const value of map?.values ?? []) {
      if (!value) continue;
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
  return max ? scaleOf(min, max) : undefined;
}

/** A colour as red, green, blue and alpha, 0 to 255. */
type Rgba = readonly [number, number, number, number];

/** The colours that canvases are drawn in, from the page's CSS. */
export interface Palette {
  readonly heat: readonly Rgba[];
  readonly hole: string;
  readonly empty: Rgba;
  readonly ink: string;
  readonly faint: string;
  readonly sides: Readonly<Record<'a' | 'b', string>>;
}

/** Reads the colours as they are in the present theme. */
export function paletteOf(root: HTMLElement): Palette {
  const probe = document.createElement('span');
  probe.hidden = true;
  // where the view's own colours are known
  (root.querySelector('.field-view') ?? root).append(probe);
  const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
  const named = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const rgba = (name: string): Rgba => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = named(name);
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data] as unknown as Rgba;
  };
  const palette = {
    heat: Array.from({ length: steps }, (_, i) => rgba(`--heat-${i}`)),
    hole: named('--hole'),
    empty: rgba('--empty'),
    ink: named('--text'),
    faint: named('--faint'),
    sides: { a: named('--side-a'), b: named('--side-b') },
  };
  probe.remove();
  return palette;
}

/** Makes a canvas as large as it is shown, in device pixels, and clears it. */
function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  return canvas.getContext('2d')!;
}

/** Packed as the pixels of an ImageData are in memory, which is little-endian wherever browsers run. */
const packed = ([red, green, blue, alpha]: Rgba): number =>
  ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;

/** Small pixels as something that can be drawn at any size. */
function enlarged(columns: number, rows: number, colour: (index: number) => number): OffscreenCanvas {
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colour(i);
  const small = new OffscreenCanvas(columns, rows);
  small.getContext('2d')!.putImageData(image, 0, 0);
  return small;
}

/** The longest side of a drawing in canvas pixels; CSS makes it fit. */
const side = 640;
/** Holes are hatched in cells of this size and plain in smaller ones, where lines would drown what is read. */
const hatchedFrom = 10;

/** The heat map: a colour for every cell, holes hatched. */
export function drawCells(canvas: HTMLCanvasElement, cells: Cells, scale: Scale, palette: Palette): void {
  const { rows, columns, values } = cells;
  const cell = side / Math.max(rows, columns);
  // a single row is drawn as a strip
  const tall = rows === 1 ? Math.max(cell, 48) : cell;
  const context = prepare(canvas, columns * cell, rows * tall);
  context.imageSmoothingEnabled = false;
  const [heat, empty] = [palette.heat.map(packed), packed(palette.empty)];
  const image = enlarged(columns, rows, (i) => (values[i] ? heat[scale.step(values[i])]! : empty));
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  if (cell < hatchedFrom) return;
  const holes = new Path2D();
  values.forEach((value, i) => {
    if (!value) holes.rect((i % columns) * cell, Math.floor(i / columns) * tall, cell, tall);
  });
  context.save();
  context.clip(holes);
  context.strokeStyle = palette.hole;
  context.lineWidth = 2;
  context.beginPath();
  for (let x = -canvas.height; x < canvas.width; x += 9) {
    context.moveTo(x, canvas.height);
    context.lineTo(x + canvas.height, 0);
  }
  context.stroke();
  context.restore();
}

/** Bars of the paths along one axis; holes are marked below the line. */
export function drawProfile(canvas: HTMLCanvasElement, { values, start }: Profile, palette: Palette): void {
  const [height, below] = [150, 34];
  const context = prepare(canvas, side, height + below);
  const step = side / values.length;
  const gap = step > 4 ? 2 : 0;
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const [red, green, blue] = palette.heat[steps - 4]!;
  values.forEach((value, i) => {
    const tall = (value / largest) * (height - 4);
    context.fillStyle = value ? `rgb(${red} ${green} ${blue})` : palette.hole;
    if (value) context.fillRect(i * step, height - tall, Math.max(step - gap, 0.5), tall);
    else context.fillRect(i * step, height + 3, Math.max(step - gap, 0.5), 6);
  });
  context.fillStyle = palette.faint;
  context.fillRect(0, height, side, 1);
  context.font = '18px system-ui, sans-serif';
  context.textBaseline = 'bottom';
  const write = (position: number, align: CanvasTextAlign, x: number) => {
    context.textAlign = align;
    context.fillText(`${position}`.replace('-', '−'), x, height + below);
  };
  write(start, 'left', 0);
  if (values.length > 1) write(start + values.length - 1, 'right', side);
  const middle = (values.length - 1) >> 1;
  if (values.length > 2) write(start + middle, 'center', (middle + 0.5) * step);
}

/** The whole picture with a box around what each schedule can see, and a cross at the output. */
export function drawOverview(
  canvas: HTMLCanvasElement,
  picture: OpenedPicture,
  point: { readonly x: number; readonly y: number },
  reaches: Readonly<Partial<Record<'a' | 'b', Reach | undefined>>>,
  palette: Palette,
): void {
  const { small, width } = picture;
  const scale = small.width / width;
  const context = prepare(canvas, small.width, small.height);
  context.drawImage(small, 0, 0);
  const line = Math.max(1.5, small.width / 400);
  for (const name of ['a', 'b'] as const) {
    const found = reaches[name];
    if (!found) continue;
    const [row, column] = found.start;
    const box = [column, row, found.columns, found.rows].map((value) => value * scale) as [
      number,
      number,
      number,
      number,
    ];
    context.setLineDash([]);
    context.lineWidth = 2.4 * line;
    context.strokeStyle = 'rgb(0 0 0 / 55%)';
    context.strokeRect(...box);
    context.setLineDash(name === 'b' ? [4 * line, 3 * line] : []);
    context.lineWidth = line;
    context.strokeStyle = palette.sides[name];
    context.strokeRect(...box);
  }
  context.setLineDash([]);
  // arms that point at the output from outside the smaller box
  const [x, y] = [(point.x + 0.5) * scale, (point.y + 0.5) * scale];
  const boxes = Object.values(reaches).flatMap((found) =>
    found ? [Math.max(found.rows, found.columns)] : [],
  );
  const from = Math.min(small.width / 8, (Math.min(...boxes, width) * scale) / 2 + 3 * line);
  const to = from + 8 * line;
  for (const [colour, wide] of [
    ['rgb(0 0 0 / 70%)', 3 * line],
    ['#fff', line],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.beginPath();
    for (const [dx, dy] of [
      [-1, 0],
      [1, 0],
      [0, -1],
      [0, 1],
    ] as const) {
      context.moveTo(x + dx * from, y + dy * from);
      context.lineTo(x + dx * to, y + dy * to);
    }
    context.stroke();
  }
}

/** The part of a picture that a magnifier shows, in pixels of the picture. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly size: number;
}

/** A square around what one output sees, with some of its surroundings. */
export function frameOf({ start, rows, columns }: Reach): Frame {
  const most = Math.max(rows, columns);
  const margin = Math.max(2, Math.round(most / 10));
  const size = most + 2 * margin;
  return {
    left: start[1] - Math.floor((size - columns) / 2),
    top: start[0] - Math.floor((size - rows) / 2),
    size,
  };
}

/** The pixels around an output, large: those it reads are tinted, the others veiled. */
export function drawMagnifier(
  canvas: HTMLCanvasElement,
  picture: OpenedPicture,
  reach: Reach,
  point: { readonly x: number; readonly y: number },
): void {
  const { left, top, size } = frameOf(reach);
  const context = prepare(canvas, side, side);
  const scale = side / size;
  context.imageSmoothingEnabled = scale < 1;
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  const [right, bottom] = [Math.min(left + size, picture.width), Math.min(top + size, picture.height)];
  const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
  context.drawImage(picture.pixels, x, y, right - x, bottom - y, x, y, right - x, bottom - y);
  context.fillStyle = 'rgb(0 0 0 / 62%)';
  context.fillRect(x, y, right - x, bottom - y);
  if (reach.neighbour) tint(context, reach.neighbour, picture, [86, 214, 255]);
  tint(context, reach, picture, [255, 196, 61]);
  context.strokeStyle = '#fff';
  context.lineWidth = 2.5 / scale;
  context.strokeRect(point.x, point.y, 1, 1);
}

/** Pixels that are read, as they are and tinted: more where more paths lead. */
function tint(
  context: CanvasRenderingContext2D,
  { start: [row, column], rows, columns, levels }: Region,
  { pixels }: OpenedPicture,
  [red, green, blue]: readonly [number, number, number],
): void {
  const tints = Uint32Array.from({ length: 256 }, (_, level) =>
    level ? packed([red, green, blue, 90 + Math.round(0.43 * level)]) : 0,
  );
  const mask = enlarged(columns, rows, (i) => (levels[i] ? 0xff000000 : 0));
  const inside = mask.getContext('2d')!;
  inside.globalCompositeOperation = 'source-in';
  inside.drawImage(pixels, column, row, columns, rows, 0, 0, columns, rows);
  inside.globalCompositeOperation = 'source-over';
  inside.drawImage(
    enlarged(columns, rows, (i) => tints[levels[i]!]!),
    0,
    0,
  );
  context.drawImage(mask, column, row);
}
