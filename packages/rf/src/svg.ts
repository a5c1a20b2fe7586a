/**
 * The few pieces that all figures are made of. Colours follow the reader's light or dark theme by CSS, so every
 * shape has a class and no colour of its own.
 */

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Steps of the one colour scale, from few paths to many. */
export const steps = 8;

// blue from pale to deep on paper, from deep to pale on a dark screen: more paths always stand out more
const light = ['#bcd6ec', '#9ac2e2', '#78add7', '#5796ca', '#3b7fba', '#2567a4', '#144f8b', '#08366e'];
const dark = ['#1d4670', '#265a8f', '#3170ae', '#4788c8', '#659fd8', '#8ab8e5', '#b1d0f0', '#dbe9f8'];

const theme = (
  paper: string,
  ink: string,
  soft: string,
  line: string,
  hole: string,
  empty: string,
  scale: readonly string[],
) =>
  `.paper{fill:${paper}}.ink{fill:${ink}}.soft{fill:${soft}}.line{stroke:${line};fill:none}.axis{stroke:${soft};fill:none}.paper-line{stroke:${paper};fill:none;stroke-width:.8}.empty{fill:${empty}}.hatch{stroke:${hole};stroke-width:1.6}.curve{stroke:${hole};fill:none;stroke-width:1.6}${scale.map((color, i) => `.s${i}{fill:${color}}`).join('')}`;

const style = `text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}.title{font-weight:600;font-size:14px}.number{font-variant-numeric:tabular-nums}.end{text-anchor:end}.middle{text-anchor:middle}${theme('#ffffff', '#1f2328', '#59636e', '#d1d9e0', '#d4570f', '#fbe5d6', light)}@media(prefers-color-scheme:dark){${theme('#0d1117', '#e6edf3', '#9198a1', '#30363d', '#ff9b4a', '#3d2412', dark)}}`;

/** A complete SVG document. `description` is what a screen reader says. */
export function document(
  width: number,
  height: number,
  description: string,
  body: readonly string[],
): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img" aria-label="${escapeText(description)}"><style>${style}</style><defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M2.5 0v5"/></pattern></defs><rect class="paper" width="${w}" height="${h}"/>\n${body.join('\n')}\n</svg>\n`;
}

export const round = (value: number): number => Math.round(value * 100) / 100;

export function text(x: number, y: number, content: string, classes = 'ink'): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${classes}">${escapeText(content)}</text>`;
}

export const rectangle = (x: number, y: number, width: number, height: number, classes: string): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" class="${classes}"/>`;

export const path = (d: string, classes: string): string => `<path d="${d}" class="${classes}"/>`;

/** How wide a text is drawn, roughly: enough to lay out labels. */
export const widthOf = (content: string, size = 12): number => content.length * size * 0.58;

/** Assigns counts to the steps of the scale: evenly, or by their logarithm where they differ by more than 40 times. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly logarithmic: boolean;
  step(value: number): number;
}

export function scaleOf(min: number, max: number): Scale {
  const logarithmic = max > 40 * min;
  const place = (value: number) =>
    logarithmic ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
  return {
    min,
    max,
    logarithmic,
    step: (value) => (max > min ? Math.min(steps - 1, Math.floor(place(value) * steps)) : steps - 2),
  };
}

/** The legend of the scale and of holes, 34 high, and how wide it is. */
export function legend(
  x: number,
  y: number,
  { min, max, logarithmic }: Scale,
  holes: boolean,
  plain = false,
): { readonly shapes: readonly string[]; readonly width: number } {
  const swatch = 22;
  const varied = max > min;
  const shapes = Array.from({ length: varied ? steps : 1 }, (_, i) =>
    rectangle(x + i * swatch, y, swatch, 12, `s${varied ? i : steps - 2}`),
  );
  const end = x + shapes.length * swatch;
  shapes.push(text(x, y + 27, compact(min), 'soft number'));
  if (varied) shapes.push(text(end, y + 27, compact(max), 'soft number end'));
  const title = `paths to an input${logarithmic ? ', logarithmic' : ''}`;
  shapes.push(text(end + 10, y + 10, title));
  const mark = end + 10 + widthOf(title) + 20;
  const label = 'hole: never read';
  if (!holes) return { shapes, width: mark - x };
  shapes.push(
    hatched(rectangle(mark, y - 1, 14, 14, plain ? 'empty' : 'hatched')),
    text(mark + 20, y + 10, label),
  );
  return { shapes, width: mark + 20 + widthOf(label) - x };
}

/** Marked as a hole: hatched. */
export const hatched = (shape: string): string => shape.replace('class="hatched"', 'fill="url(#hatch)"');

/** A count in at most five characters or so. */
export function compact(value: number): string {
  if (value < 10_000) return String(Number(value.toPrecision(value < 100 ? 3 : 4)));
  return value.toExponential(1).replace('e+', 'e');
}
