import { type KnownModel, knownModels, pictureInput } from '@atrous/segment/models';
import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { presets } from '../field/presets.js';
import { fileButton } from '../file-button.js';
import { tiles } from './address.js';
import { type ModelChoice, sameModel } from './models.js';
import { megabytes } from './numbers.js';
import type { Actions, State, Tile } from './state.js';

const known: readonly { readonly model: ModelChoice; readonly note: string; readonly title: string }[] =
  knownModels.map(({ description, file }) => ({
    model: { kind: 'known', name: description.name },
    title: description.title,
    note: noteOf(file),
  }));

function noteOf({ shipped, bytes, urls }: KnownModel['file']): string {
  return shipped
    ? 'comes with the page'
    : `${megabytes(bytes)}, fetched from ${urls[0]!.hostname} when first used, then kept`;
}

/** The water network in the view "Receptive field". */
const [waterPreset] = presets['This page']!;

/** Which network runs, and what one must know of it. */
export function modelCard(state: State, actions: Actions): TemplateResult {
  const { model, fileModel, description, picture } = state;
  const options = [
    ...known,
    ...(fileModel ? [{ model: fileModel, title: fileModel.name, note: 'a file of yours' }] : []),
  ];
  const other = picture?.sample && model.kind === 'known' && picture.sample.model !== model.name;
  return html`<section class="card">
    <fieldset class="choices">
      <legend><h2>Network</h2></legend>
      ${options.map(
        (option) => html`<label>
          <input
            type="radio"
            name="model"
            .checked=${live(sameModel(option.model, model))}
            @change=${() => actions.setModel(option.model)}
          />
          <span><b>${option.title}</b> <span class="faint">${option.note}</span></span>
        </label>`,
      )}
    </fieldset>
    <div class="row">
      ${fileButton('Open a network…', '.onnx,.tflite', (file) => actions.setModel({ kind: 'file', name: file.name, file }), true)}
    </div>
    ${other ? html`<p class="hint">This sample is meant for the other network.</p>` : nothing}
    ${description?.notes.map((note) => html`<p class="faint">${note}</p>`)}
    ${description ? sizeNote(description) : nothing} ${tileSelect(state, actions)}
    ${
      model.kind === 'known' && model.name === 'water'
        ? html`<p class="faint">
            <a href="#field?a=${encodeURIComponent(waterPreset!.layers)}">What one of its outputs sees</a>
          </p>`
        : nothing
    }
  </section>`;
}

function sizeNote(description: NonNullable<State['description']>): TemplateResult | typeof nothing {
  if (description.input.kind !== 'picture') return nothing;
  const { size } = pictureInput(description);
  return size ? html`<p class="faint">It sees every picture at ${size[1]} × ${size[0]} pixels.</p>` : nothing;
}

const tileName = (tile: Tile): string =>
  tile === false
    ? 'in one piece'
    : tile === true
      ? 'in the largest tiles that memory allows'
      : `in tiles of ${tile} × ${tile}`;

function tileSelect({ tile, description }: State, { setTile }: Actions): TemplateResult | typeof nothing {
  const anySize = description?.input.kind === 'picture' && !pictureInput(description).size;
  if (!anySize) return nothing;
  return html`<label class="select">
    <span>Compute the picture</span>
    <select
      .value=${live(String(tile))}
      @change=${({ target }: Event) =>
        setTile(tiles.find((other) => String(other) === (target as HTMLSelectElement).value)!)}
    >
      ${tiles.map((other) => html`<option value=${String(other)} ?selected=${other === tile}>${tileName(other)}</option>`)}
    </select>
  </label>`;
}
