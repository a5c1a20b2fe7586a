import { OptionError } from '@atrous/core';
import { type FileSource, type Model, type ReadOptions, readFile } from '@atrous/core/model';
import type { ModelFile } from './description.js';
import { waterModel } from './water-model.js';

export type ModelFormat = ModelFile['format'];

/**
 * The format of a model file, by its content: TensorFlow Lite files carry their mark at byte 4, safetensors begin with
 * the length of a JSON header, anything else is taken for ONNX, which has no mark.
 */
export function formatOf(bytes: Uint8Array): ModelFormat {
  if (ascii(bytes, 4, 'TFL3')) return 'tflite';
  if (
    bytes.length > 8 &&
    bytes[8] === 0x7b &&
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true) === 0
  )
    return 'safetensors';
  return 'onnx';
}

const ascii = (bytes: Uint8Array, at: number, text: string): boolean =>
  [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));

export interface OpenOptions extends ReadOptions {
  /** Default: by content. */
  readonly format?: ModelFormat | undefined;
}

/**
 * Reads a network: ONNX, TensorFlow Lite (its maps channels first), or the weights of the water network. The readers are
 * loaded when they are needed.
 *
 * @throws what reading and the format's own `load` throw
 */
export async function openModel(source: FileSource, options: OpenOptions = {}): Promise<Model> {
  const bytes = await readFile(source, options);
  const format = options.format ?? formatOf(bytes);
  switch (format) {
    case 'onnx':
      return await (await import('@atrous/onnx')).load(bytes);
    case 'tflite':
      return await (await import('@atrous/tflite')).load(bytes, { layout: 'channelsFirst' });
    case 'safetensors':
      return waterModel(bytes);
    default:
      throw new OptionError(`open: format is one of onnx, tflite, safetensors, not ${String(format)}`, {
        format,
      });
  }
}
