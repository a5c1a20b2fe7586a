import { pictureInput } from '@atrous/segment/models';
import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { percent } from './numbers.js';
import type { Actions, State } from './state.js';

/** The picture with what was found on it, progress, and how both are shown. */
export const stage = (state: State, actions: Actions): TemplateResult => html`<section
  class="stage"
  aria-labelledby="stage-title"
>
  <h2 id="stage-title" class="hidden">Picture and classes</h2>
  ${viewer(state, actions)} ${progress(state, actions)} ${controls(state, actions)}
</section>`;

function viewer(state: State, actions: Actions): TemplateResult {
  const { picture, opacity, split, base, cursor, result } = state;
  const { width, height } = picture ?? { width: 800, height: 800 };
  const at = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const clamp = (part: number, size: number) => Math.min(size - 1, Math.max(0, Math.floor(part * size)));
    return {
      x: clamp((event.clientX - box.left) / box.width, width),
      y: clamp((event.clientY - box.top) / box.height, height),
    };
  };
  return html`<div class="mat">
    <div
      class="viewer"
      tabindex="0"
      role="application"
      aria-label=${describe(state)}
      aria-describedby="viewer-keys"
      .style=${`--width: ${width}; --height: ${height}; --split: ${split}%`}
      @pointermove=${(event: PointerEvent) => actions.point(at(event))}
      @pointerdown=${(event: PointerEvent) => actions.point(at(event))}
      @pointerleave=${() => actions.point(undefined)}
      @keydown=${(event: KeyboardEvent) => move(event, state, actions)}
      @blur=${() => actions.point(undefined)}
    >
      <canvas class="base"></canvas>
      <canvas class="gray" ?hidden=${base !== 'luminance'}></canvas>
      <canvas class="overlay" .style=${`opacity: ${opacity / 100}`}></canvas>
      <div
        class="split-line"
        aria-hidden="true"
        ?hidden=${!result}
        @pointerdown=${startSplit}
        @pointermove=${(event: PointerEvent) => drag(event, actions)}
      ></div>
      ${
        cursor
          ? html`<div
              class="cursor"
              aria-hidden="true"
              .style=${`--x: ${((cursor.x + 0.5) / width) * 100}%; --y: ${((cursor.y + 0.5) / height) * 100}%`}
            ></div>`
          : nothing
      }
    </div>
    <p id="viewer-keys" class="hidden">
      Arrow keys move over the pixels and tell class and confidence, with Shift ten pixels at once; Escape ends.
    </p>
  </div>`;
}

function describe({ picture, result }: State): string {
  if (!picture) return 'no picture yet';
  const found = result?.shares
    .map((share, i) => ({ share, name: result.classes[i]!.name }))
    .filter(({ share }) => share >= 0.0005)
    .map(({ share, name }) => `${name} ${percent(share)}`)
    .join(', ');
  return found ? `${picture.name}: ${found}` : picture.name;
}

const steps: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function move(event: KeyboardEvent, { picture, cursor }: State, actions: Actions): void {
  if (event.key === 'Escape') actions.point(undefined);
  const step = steps[event.key];
  if (!step || !picture) return;
  event.preventDefault();
  const { width, height } = picture;
  const from = cursor ?? { x: width >> 1, y: height >> 1 };
  const far = cursor === undefined ? 0 : event.shiftKey ? 10 : 1;
  const clamp = (value: number, size: number) => Math.min(size - 1, Math.max(0, value));
  actions.point({ x: clamp(from.x + step[0] * far, width), y: clamp(from.y + step[1] * far, height) }, true);
}

function startSplit(event: PointerEvent): void {
  event.preventDefault();
  (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
}

function drag(event: PointerEvent, { setSplit }: Actions): void {
  const line = event.currentTarget as HTMLElement;
  if (!line.hasPointerCapture(event.pointerId)) return;
  const { left, width } = line.parentElement!.getBoundingClientRect();
  setSplit(Math.round(Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width))));
}

function progress(
  { work, message, camera, rate }: State,
  { cancel, run, pauseCamera, stopCamera }: Actions,
): TemplateResult {
  if (camera)
    return html`<div class="progress">
      <p>${cameraText(camera, work?.stage, rate)}</p>
      <span class="grow"></span>
      <button type="button" ?disabled=${camera === 'starting'} @click=${() => pauseCamera(camera !== 'paused')}>
        ${camera === 'paused' ? 'Go on' : 'Pause'}
      </button>
      <button type="button" @click=${stopCamera}>Stop the camera</button>
    </div>`;
  // at the end a GPU still works on what it has been given: no telling how long
  const part = work?.fraction !== undefined && work.fraction < 0.999 ? work.fraction : undefined;
  // one button for both things that can be done, so that it keeps the keyboard's focus
  return html`<div class="progress">
    <p class="state">${work ? html`${work.stage} … <span class="faint">${work.step ?? ''}</span>` : message}</p>
    ${
      work
        ? html`<progress aria-label="Progress" max="1" value=${part ?? nothing}></progress>
            <span class="number part">${part === undefined ? '' : `${Math.round(part * 100)} %`}</span>`
        : html`<span class="grow"></span>`
    }
    <button type="button" @click=${work ? cancel : run}>${work ? 'Cancel' : 'Run again'}</button>
  </div>`;
}

function cameraText(
  camera: NonNullable<State['camera']>,
  stage: string | undefined,
  rate: number | undefined,
): string {
  switch (camera) {
    case 'starting':
      return 'The camera is being opened …';
    case 'hidden':
      return 'Paused while this page is hidden';
    case 'paused':
      return 'Paused';
    case 'on':
      return rate === undefined
        ? `${stage ?? 'waiting for a picture'} …`
        : `${rate.toFixed(1)} pictures per second`;
  }
}

function controls(state: State, { setBase, setOpacity, setSplit, save }: Actions): TemplateResult {
  const { base, opacity, split, result, description } = state;
  const luminance =
    description?.input.kind === 'picture' && pictureInput(description).channels === 'luminance';
  const slider = (name: string, value: number, set: (value: number) => void) => html`<label class="slider">
    <span>${name}</span>
    <input
      type="range"
      min="0"
      max="100"
      .value=${live(String(value))}
      @input=${({ target }: Event) => set(Number((target as HTMLInputElement).value))}
    />
    <output>${value} %</output>
  </label>`;
  return html`<div class="controls">
    ${slider('Opacity', opacity, setOpacity)} ${slider('Compare from', split, setSplit)}
    ${
      luminance
        ? html`<label class="check">
            <input
              type="checkbox"
              .checked=${live(base === 'luminance')}
              @change=${({ target }: Event) => setBase((target as HTMLInputElement).checked ? 'luminance' : 'colour')}
            />
            what the network sees
          </label>`
        : nothing
    }
    <span class="row saves">
      <button type="button" ?disabled=${!result} @click=${() => save('mask')}>Save the mask</button>
      <button type="button" ?disabled=${!result} @click=${() => save('overlay')}>Save picture and mask</button>
    </span>
  </div>`;
}
