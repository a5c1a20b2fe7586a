/** The state of the view that a link carries. */
import type { BackendChoice } from '@atrous/segment';
import { knownModels } from '@atrous/segment/models';
import { type ModelChoice, shippedModel } from './models.js';
import type { Choice, Tile } from './state.js';

export interface Address {
  readonly model: ModelChoice;
  readonly choice: Choice;
  readonly tile: Tile;
}

/** Everything that can be chosen; the parts that work here are known later. */
export const choices: readonly Choice[] = [
  'auto',
  { name: 'cpu' },
  { name: 'gpu', gpuMode: 'webgpu' },
  { name: 'gpu', gpuMode: 'webgl2' },
  { name: 'gpu', gpuMode: 'webasm' },
  { name: 'reference' },
];

export const tiles: readonly Tile[] = [false, 256, 512, 1024, true];

export const idOf = (choice: Choice): string =>
  choice === 'auto' ? choice : ((choice as BackendChoice).gpuMode ?? choice.name);

/** Reads a link; what it does not know is as at the start. */
export function readAddress(parameters: URLSearchParams): Address {
  const model = knownModels.find(({ description }) => description.name === parameters.get('model'));
  return {
    model: model ? { kind: 'known', name: model.description.name } : shippedModel,
    choice: choices.find((choice) => idOf(choice) === parameters.get('backend')) ?? 'auto',
    tile: tiles.find((tile) => String(tile) === parameters.get('tile')) ?? false,
  };
}

/** Writes what `readAddress` reads; a file cannot be linked to. */
export function writeAddress({ model, choice, tile }: Address): URLSearchParams {
  const parameters = new URLSearchParams();
  if (model.kind === 'known' && model.name !== shippedModel.name) parameters.set('model', model.name);
  if (choice !== 'auto') parameters.set('backend', idOf(choice));
  if (tile !== false) parameters.set('tile', String(tile));
  return parameters;
}
