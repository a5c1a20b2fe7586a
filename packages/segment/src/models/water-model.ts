import { loadParameters } from '@atrous/blocks';
import { type Model, makeModel } from '@atrous/core/model';
import { readSafetensors } from '@atrous/core/safetensors';
import { waterParameters } from './water.js';
import { waterNet } from './water-net.js';

/**
 * The water network with the weights of its `.safetensors` file: `{ image: [1, 1, H, W] } → { logits: [1, 2, H, W] }`.
 *
 * @throws FormatError if the file is damaged; ParameterError listing every name that does not fit
 */
export function waterModel(bytes: Uint8Array): Model {
  const parameters = loadParameters(waterNet, readSafetensors(bytes).tensors);
  const value = { dtype: 'float32', storedType: 'float32' } as const;
  return makeModel(({ image }) => ({ logits: waterNet.apply(parameters, image!) }), {
    inputs: [{ ...value, name: 'image', shape: ['batch', 1, 'height', 'width'] }],
    outputs: [{ ...value, name: 'logits', shape: ['batch', 2, 'height', 'width'] }],
    parameters: waterParameters,
    operators: {},
    metadata: {},
  });
}
