import { html, nothing, type TemplateResult } from 'lit-html';
import { fileButton } from '../file-button.js';
import { type Point, type Side, sides } from './address.js';
import type { Reach } from './analysis.js';
import { frameOf } from './draw.js';
import type { Actions, Pane, State } from './state.js';

/** The picture with an output to choose, and what every schedule reads of it. */
export function pictureCard(state: State, actions: Actions): TemplateResult {
  const { picture, point, panes, showNeighbour } = state;
  return html`<section class="card on-picture" aria-labelledby="on-picture">
    <div class="head">
      <h2 id="on-picture">On a picture</h2>
      ${fileButton('Open a picture…', 'image/*', (file) => actions.openPicture(file, file.name))}
    </div>
    <p class="faint">
      Click a pixel, or move with the arrow keys (Shift: 10 pixels): the output there reads the tinted pixels, and no
      others. Stronger tint: more paths. Or drop a picture of your own here.
    </p>
    <div class="sheet">
      ${picture && point ? chosen(state, picture, point, actions) : html`<p role="status">Loading the picture …</p>`}
      <div class="seen">
        <label class="check">
          <input
            type="checkbox"
            .checked=${showNeighbour}
            @change=${({ target }: Event) => actions.setShowNeighbour((target as HTMLInputElement).checked)}
          />
          Show what the output to the right reads, too, in blue
        </label>
        <div class="magnifiers">
          ${sides.map((side) => {
            const pane = panes[side];
            return pane ? magnifier(side, pane, Boolean(panes.b), actions) : nothing;
          })}
        </div>
      </div>
    </div>
  </section>`;
}

function chosen(
  { panes }: State,
  { name, width, height }: NonNullable<State['picture']>,
  point: Point,
  { setPoint }: Actions,
): TemplateResult {
  const clamp = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  const go = (x: number, y: number) => setPoint({ x: clamp(x, width), y: clamp(y, height) });
  const keys: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  const coordinate = (
    label: string,
    value: number,
    size: number,
    set: (value: number) => void,
  ) => html`<label>
    <span>${label}</span>
    <input
      type="number"
      min="0"
      max=${size - 1}
      .value=${`${value}`}
      @change=${({ target }: Event) => {
        const input = target as HTMLInputElement;
        const next = Math.round(input.valueAsNumber);
        if (Number.isNaN(next)) input.value = `${value}`;
        else set(next);
      }}
    />
  </label>`;
  return html`<div class="whole">
    <button
      type="button"
      class="overview"
      aria-label="${name}, ${width} × ${height} pixels; output at column ${point.x}, row ${point.y}; arrow keys move it"
      @click=${(event: MouseEvent) => {
        // a click by the keyboard has no place
        if (event.detail === 0) return;
        const box = (event.currentTarget as HTMLElement).querySelector('canvas')!.getBoundingClientRect();
        go(
          Math.floor(((event.clientX - box.left) / box.width) * width),
          Math.floor(((event.clientY - box.top) / box.height) * height),
        );
      }}
      @keydown=${(event: KeyboardEvent) => {
        const [x, y] = keys[event.key] ?? [];
        if (x === undefined || y === undefined) return;
        event.preventDefault();
        const step = event.shiftKey ? 10 : 1;
        go(point.x + step * x, point.y + step * y);
      }}
    >
      <canvas data-draw="overview"></canvas>
    </button>
    <div class="coordinates">
      ${coordinate('Column', point.x, width, (x) => go(x, point.y))}
      ${coordinate('Row', point.y, height, (y) => go(point.x, y))}
      <span class="faint">${name}, ${width} × ${height}${panes.b ? '; solid box A, dashed box B' : ''}</span>
    </div>
  </div>`;
}

function magnifier(side: Side, pane: Pane, two: boolean, { setPoint }: Actions): TemplateResult {
  const { reach, reachFailure } = pane;
  const name = two ? `${side.toUpperCase()}: ` : '';
  if (reachFailure !== undefined)
    return html`<p class="verdict bad" role="alert"><strong>${name}not on this picture.</strong> ${reachFailure}</p>`;
  if (!reach) return html`<p role="status">${name}…</p>`;
  return html`<figure class="magnifier">
    <figcaption><span class="side-${side}">${name}</span><code>${pane.schedule.layers}</code></figcaption>
    <canvas
      data-draw="magnifier"
      data-side=${side}
      role="img"
      aria-label=${sentence(reach)}
      @click=${(event: MouseEvent) => {
        const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
        const frame = frameOf(reach);
        setPoint({
          x: frame.left + Math.floor(((event.clientX - box.left) / box.width) * frame.size),
          y: frame.top + Math.floor(((event.clientY - box.top) / box.height) * frame.size),
        });
      }}
    ></canvas>
    <p class="number-text" aria-live="polite">${sentence(reach)}</p>
    ${reach.global ? html`<p class="faint">Its global pooling reads the whole picture besides; shown is what the other paths read.</p>` : nothing}
    ${
      reach.neighbour
        ? html`<p class="beside">
            ${
              reach.neighbour.common
                ? `It shares ${reach.neighbour.common.toLocaleString('en')} of them with the output to its right.`
                : 'The output to its right reads none of them: neighbours are computed from different pixels.'
            }
          </p>`
        : nothing
    }
  </figure>`;
}

/** What is drawn, in words. */
function sentence({ output, outputs, start, rows, columns, touched }: Reach): string {
  const [row, column] = output.length === 1 ? [undefined, output[0]!] : output;
  const place = row === undefined ? `Output ${column}` : `Output in column ${column}, row ${row}`;
  const whole = rows * columns;
  const reads = `reads ${touched.toLocaleString('en')} ${touched < whole ? `of ${whole.toLocaleString('en')} ` : ''}pixels`;
  const where = `columns ${start[1]} to ${start[1] + columns - 1}, ${rows === 1 ? `row ${start[0]}` : `rows ${start[0]} to ${start[0] + rows - 1}`}`;
  return `${place} of ${outputs.toReversed().join(' × ')} ${reads}: ${where}.`;
}
