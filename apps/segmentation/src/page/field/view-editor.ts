import type { Layer, PerAxis } from '@atrous/rf';
import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { Side } from './address.js';
import { presets } from './presets.js';
import {
  changeKind,
  type Kind,
  kindOf,
  kinds,
  limits,
  type Path,
  readStack,
  replaceAt,
  withoutCentredPadding,
  writeStack,
} from './stack.js';
import type { Actions, Pane } from './state.js';

/** Where a row stands, and what its controls do. */
interface Context {
  readonly side: Side;
  readonly pane: Pane;
  readonly actions: Actions;
}

/** Known networks, axes, the notation and a row for every layer. */
export function editor(side: Side, pane: Pane, actions: Actions): TemplateResult {
  const context = { side, pane, actions };
  return html`<div class="editor">
    ${networks(context)} ${notation(context)}
    <div class="layers" role="group" aria-label="Layers of schedule ${side.toUpperCase()}, from the input on">
      <div class="columns" aria-hidden="true">
        <span></span><span>layer</span><span>kernel</span><span>stride</span><span>dilation</span><span>field</span><span></span>
      </div>
      ${list(context, pane.layers, [])}
    </div>
  </div>`;
}

function networks({ side, pane, actions }: Context): TemplateResult {
  const { schedule } = pane;
  const groups = Object.entries(presets);
  const same = ({ layers, axes }: { layers: string; axes: number }) =>
    axes === schedule.axes && written(layers, schedule.axes) === schedule.layers;
  const known = groups.flatMap(([, group]) => group).find(same);
  return html`<div class="choices">
    <label>
      <span>Network</span>
      <select
        @change=${({ target }: Event) => {
          const name = (target as HTMLSelectElement).value;
          const preset = groups.flatMap(([, group]) => group).find((one) => one.name === name);
          if (preset)
            actions.setSchedule(side, { layers: written(preset.layers, preset.axes), axes: preset.axes });
        }}
      >
        <option value="" disabled .selected=${live(!known)}>own layers</option>
        ${groups.map(
          ([name, group]) => html`<optgroup label=${name}>
            ${group.map(
              (preset) =>
                html`<option value=${preset.name} .selected=${live(preset === known)}>${preset.name}</option>`,
            )}
          </optgroup>`,
        )}
      </select>
    </label>
    <label>
      <span>Axes</span>
      <select
        @change=${({ target }: Event) =>
          actions.setSchedule(side, {
            layers: schedule.layers,
            axes: (target as HTMLSelectElement).value === '1' ? 1 : 2,
          })}
      >
        <option value="2" .selected=${live(schedule.axes === 2)}>2, pictures</option>
        <option value="1" .selected=${live(schedule.axes === 1)}>1, signals</option>
      </select>
    </label>
  </div>`;
}

/** A notation as the editor writes it. */
const written = (layers: string, axes: 1 | 2): string =>
  writeStack(readStack(layers, axes).map(withoutCentredPadding));

const notation = ({ side, pane: { schedule, draft }, actions }: Context) => html`<label class="notation">
  <span>Notation</span>
  <input
    type="text"
    spellcheck="false"
    autocapitalize="off"
    autocomplete="off"
    maxlength=${limits.characters}
    .value=${draft?.text ?? schedule.layers}
    aria-invalid=${draft ? 'true' : nothing}
    aria-describedby=${draft ? `problem-${side}` : nothing}
    @change=${({ target }: Event) => actions.setNotation(side, (target as HTMLInputElement).value)}
  />
  ${draft ? html`<span class="problem" id="problem-${side}" role="alert">${draft.problem}</span>` : nothing}
</label>`;

/** The rows of a stack or of one branch. */
function list(context: Context, layers: readonly Layer[], path: Path): TemplateResult {
  const { side, pane, actions } = context;
  const last = layers.at(-1);
  const addition: Layer = last && kindOf(last) === 'conv' ? last : { kernel: 3 };
  return html`
    <ol>
      ${layers.map((layer, i) => row(context, layer, [...path, i], layers.length))}
    </ol>
    <div class="row">
      <button
        type="button"
        class="add"
        aria-label=${path.length ? `Add a layer to branch ${placeOf(path)}` : 'Add a layer'}
        @click=${() => actions.setLayers(side, append(pane.layers, path, addition), 'Layer added')}
      >
        + layer
      </button>
    </div>
  `;
}

/** Appends a layer to the stack (an empty path) or to the branch that a path ends with. */
function append(layers: readonly Layer[], path: Path, layer: Layer): readonly Layer[] {
  if (!path.length) return [...layers, layer];
  const branch = path.at(-1)!;
  return replaceAt(layers, path.slice(0, -1), (parent) =>
    'parallel' in parent
      ? [{ ...parent, parallel: parent.parallel.map((one, b) => (b === branch ? [...one, layer] : one)) }]
      : [parent],
  );
}

/** A path as the editor numbers it, from 1. */
const placeOf = (path: Path): string => path.map((index) => index + 1).join('.');

function row(context: Context, layer: Layer, path: Path, siblings: number): TemplateResult {
  const { side, pane, actions } = context;
  const place = placeOf(path);
  const change = (next: Layer) =>
    actions.setLayers(
      side,
      replaceAt(pane.layers, path, () => [next]),
    );
  const index = path.at(-1)!;
  const field = pane.analysis?.report.layers.find(({ name }) => name === `layer ${place}`)?.field;
  return html`<li data-place=${place}>
    <div class="layer">
      <span class="place faint">${place}</span>
      <select
        class="kind"
        aria-label="Layer ${place}: kind"
        @change=${({ target }: Event) => change(changeKind(layer, (target as HTMLSelectElement).value as Kind))}
      >
        ${Object.entries(kinds).map(
          ([kind, name]) =>
            html`<option value=${kind} .selected=${live(kind === kindOf(layer))}>${name}</option>`,
        )}
      </select>
      ${values(layer, place, change)}
      <span class="grown number">${field ? sizeOf(field.size) : ''}</span>
      <span class="order">
        <button
          type="button"
          class="icon up"
          aria-label="Layer ${place}: move up"
          ?disabled=${index === 0}
          @click=${() => actions.move(side, path, -1)}
        >
          ↑
        </button>
        <button
          type="button"
          class="icon down"
          aria-label="Layer ${place}: move down"
          ?disabled=${index === siblings - 1}
          @click=${() => actions.move(side, path, 1)}
        >
          ↓
        </button>
        <button
          type="button"
          class="icon remove"
          aria-label="Layer ${place}: remove"
          ?disabled=${siblings === 1 && path.length === 1}
          @click=${() =>
            actions.setLayers(
              side,
              replaceAt(pane.layers, path, () => []),
              `Layer ${place} removed`,
            )}
        >
          ×
        </button>
      </span>
    </div>
    ${'parallel' in layer ? branches(context, layer.parallel, path, change) : nothing}
  </li>`;
}

/** Field sizes per axis. */
const sizeOf = (size: readonly number[]): string =>
  size.every((value) => value === Infinity)
    ? '∞'
    : size.map((value) => (value === Infinity ? '∞' : Number.isNaN(value) ? '–' : `${value}`)).join('×');

/** The numbers of one layer. */
function values(layer: Layer, place: string, change: (layer: Layer) => void) {
  if ('parallel' in layer || layer.type === 'globalPool') return html`<span class="none"></span>`;
  const field = (
    name: string,
    value: PerAxis,
    most: number,
    set: (value: PerAxis) => Layer,
    least = 1,
    step = 1,
  ) => numbers(`Layer ${place}: ${name}`, name, value, { least, most, step }, (next) => change(set(next)));
  if (layer.type === 'resize')
    return field('factor', layer.scale ?? 2, limits.scale, (scale) => ({ ...layer, scale }), 0.25, 0.25);
  if (layer.type === 'pad')
    return field(
      'padding',
      layer.padding as PerAxis,
      limits.padding,
      (padding) => ({ ...layer, padding }),
      -limits.padding,
    );
  const pools = layer.type === 'maxPool' || layer.type === 'avgPool';
  return [
    field('kernel', layer.kernel, limits.kernel, (kernel) => ({ ...layer, kernel })),
    field('stride', layer.stride ?? (pools ? layer.kernel : 1), limits.stride, (stride) => ({
      ...layer,
      stride,
    })),
    field('dilation', layer.dilation ?? 1, limits.dilation, (dilation) => ({ ...layer, dilation })),
  ];
}

/** A field for one number; a text such as 1x7 where the axes differ. */
function numbers(
  label: string,
  name: string,
  value: PerAxis,
  { least, most, step }: { readonly least: number; readonly most: number; readonly step: number },
  set: (value: PerAxis) => void,
): TemplateResult {
  const one = typeof value === 'number';
  const shown = one ? `${value}` : value.join('x');
  const read = (text: string): PerAxis | undefined => {
    const parts = text.split('x').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
    const fits = parts.every(
      (part) => part >= least && part <= most && part !== 0 && Number.isInteger(part / step),
    );
    return fits ? (parts.length === 1 ? parts[0] : parts) : undefined;
  };
  return html`<label class="value">
    <span class="unit" aria-hidden="true">${name}</span>
    <input
      type=${one ? 'number' : 'text'}
      inputmode="numeric"
      aria-label=${label}
      min=${one ? least : nothing}
      max=${one ? most : nothing}
      step=${one ? step : nothing}
      .value=${shown}
      @input=${({ target }: Event) => {
        const input = target as HTMLInputElement;
        const next = read(input.value);
        input.setCustomValidity(next === undefined ? `${name}: ${least} to ${most}` : '');
        if (next !== undefined) set(next);
      }}
      @change=${({ target }: Event) => {
        const input = target as HTMLInputElement;
        if (input.checkValidity()) return;
        input.reportValidity();
        // back to the number that counts
        input.value = shown;
        input.setCustomValidity('');
      }}
    />
  </label>`;
}

function branches(
  context: Context,
  parallel: readonly (readonly Layer[])[],
  path: Path,
  change: (layer: Layer) => void,
): TemplateResult {
  const { side, pane, actions } = context;
  const place = placeOf(path);
  const open = pane.open.has(place);
  return html`<details
    class="branches"
    .open=${live(open)}
    @toggle=${({ target }: Event) => {
      const now = (target as HTMLDetailsElement).open;
      if (now !== open) actions.toggle(side, place, now);
    }}
  >
    <summary><code>${writeStack([{ parallel }])}</code><span class="hidden">, branches of layer ${place}</span></summary>
    ${
      open
        ? html`${parallel.map(
            (branch, b) => html`<div class="branch" role="group" aria-label="Branch ${place}.${b + 1}">
        <p class="faint">
          branch ${place}.${b + 1}${branch.length ? '' : ': the identity'}
          <button
            type="button"
            class="icon"
            aria-label="Remove branch ${place}.${b + 1}"
            ?disabled=${parallel.length === 1}
            @click=${() => change({ parallel: parallel.filter((_, other) => other !== b) })}
          >
            ×
          </button>
        </p>
        ${list(context, branch, [...path, b])}
      </div>`,
          )}
    <button type="button" class="add" @click=${() => change({ parallel: [...parallel, [{ kernel: 3 }]] })}>
      + branch
    </button>`
        : nothing
    }
  </details>`;
}

/** The row at a path, to put the focus on after it has moved. */
export const rowAt = (root: ParentNode, path: Path): HTMLElement | null =>
  root.querySelector(`[data-place="${placeOf(path)}"]`);
