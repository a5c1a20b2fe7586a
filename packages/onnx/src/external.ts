import { FormatError, UnsupportedError } from '@atrous/core';
import { type FileSource, type ReadOptions, readFile } from '@atrous/core/model';
import type { TensorProto } from './schema/onnx_pb.js';

/**
 * Where the weights beside a model lie: by the name that the model uses for each file, or a function of that name.
 */
export type ExternalSources =
  | Readonly<Record<string, FileSource>>
  | ((name: string) => FileSource | Promise<FileSource>);

/** Files of weights beside a model, read once each. */
export class ExternalData {
  readonly #files = new Map<string, Uint8Array>();

  /** Reads every file that the tensors name. */
  static async open(
    tensors: readonly TensorProto[],
    sources: ExternalSources | undefined,
    options: ReadOptions,
  ): Promise<ExternalData> {
    const data = new ExternalData();
    const names = new Set(
      tensors.filter((proto) => proto.dataLocation === 1).map((proto) => entryOf(proto).location),
    );
    let budget = options.maxBytes;
    for (const name of names) {
      const source = typeof sources === 'function' ? await sources(name) : sources?.[name];
      if (source === undefined)
        throw new UnsupportedError(
          `weights lie in the file '${name}', which was not given; load(model, { externalData: { '${name}': … } })`,
          { file: name },
        );
      const bytes = await readFile(source, { ...options, maxBytes: budget });
      if (budget !== undefined) budget -= bytes.byteLength;
      data.#files.set(name, bytes);
    }
    return data;
  }

  /** The bytes of one tensor. */
  read(proto: TensorProto, expected: number): Uint8Array {
    const { location, offset, length = expected } = entryOf(proto);
    const file = this.#files.get(location);
    if (file === undefined) throw new FormatError(`the file '${location}' was not read`, { file: location });
    if (offset + length > file.byteLength)
      throw new FormatError(
        `bytes ${offset} … ${offset + length - 1} lie outside the file '${location}' of ${file.byteLength} bytes`,
        { file: location, offset, length, bytes: file.byteLength },
      );
    return file.subarray(offset, offset + length);
  }
}

interface Entry {
  readonly location: string;
  readonly offset: number;
  readonly length?: number;
}

function entryOf({ externalData, name }: TensorProto): Entry {
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (!location)
    throw new FormatError(`tensor '${name}' lies in another file but names none`, { tensor: name });
  const number = (key: string) => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(value))
      throw new FormatError(`tensor '${name}': ${key} must be a number of bytes but is '${text}'`, {
        tensor: name,
        [key]: text,
      });
    return value;
  };
  const length = number('length');
  return { location, offset: number('offset') ?? 0, ...(length !== undefined && { length }) };
}

/**
 * Files beside a model on the disk. A model that came from somewhere may name any path, so only files inside its own
 * folder are opened, links followed.
 */
export function besideModel(path: string | URL): ((name: string) => Promise<FileSource>) | undefined {
  const fs = globalThis.process?.getBuiltinModule?.('node:fs/promises');
  const paths = globalThis.process?.getBuiltinModule?.('node:path');
  const urls = globalThis.process?.getBuiltinModule?.('node:url');
  if (!fs || !paths || !urls) return undefined;
  const file = path instanceof URL || path.startsWith('file:') ? urls.fileURLToPath(path) : path;
  return async (name) => {
    const folder = await fs.realpath(paths.dirname(file));
    const wanted = paths.resolve(folder, name);
    const outside = (place: string) => {
      const relative = paths.relative(folder, place);
      return relative === '' || relative.startsWith('..') || paths.isAbsolute(relative);
    };
    const refuse = () =>
      new FormatError(`weights in '${name}' lie outside the model's folder; give them by externalData`, {
        file: name,
      });
    if (outside(wanted)) throw refuse();
    const real = await fs.realpath(wanted).catch(() => {
      throw new FormatError(`weights lie in the file '${name}', which is not beside the model`, {
        file: name,
      });
    });
    if (outside(real)) throw refuse();
    return real;
  };
}
