import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Backend, compile, FormatError, type Tensor, tensor } from '@atrous/core';
import type { Model, ModelValue } from '@atrous/core/model';
import { formatJson, number, textTable } from '@atrous/rf/report';
import { load } from '../load.js';
import { startBackend } from './backends.js';
import { byName, bytesOf, modelPath, named, type Outcome, UsageError, type Values } from './input.js';
import { readNpy, writeNpy } from './npy.js';

/** Runs a network once on files and writes what comes out. */
export async function execute(
  words: readonly string[],
  values: Values,
  signal?: AbortSignal,
): Promise<Outcome> {
  const path = modelPath(words, 'run');
  const model = await load(path, { anySize: values['any-size'] === true });
  const sources = byName(
    named(values, 'input'),
    model.inputs.map(({ name }) => name),
    'input',
  );
  const missing = model.inputs.filter(({ name }) => !sources.has(name)).map(({ name }) => name);
  if (missing.length)
    throw new UsageError(
      `an input is missing: ${missing.map((name) => `--input ${name}=${name}.npy`).join(' ')}`,
    );
  const targets = targetsOf(model, values);
  const given = Object.fromEntries(
    await Promise.all(
      model.inputs.map(async (value) => [value.name, await inputOf(value, sources.get(value.name)!)]),
    ),
  ) as Record<string, Tensor>;
  const backend = await startBackend(values);
  try {
    return await runOn(backend, model, given, targets, values, signal);
  } finally {
    await backend.dispose();
  }
}

async function runOn(
  backend: Backend,
  model: Model,
  given: Readonly<Record<string, Tensor>>,
  targets: ReadonlyMap<string, string>,
  values: Values,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  await prepareFolder(values);
  const start = performance.now();
  const compiled = await compile(model, given, { backend, signal });
  const ready = performance.now();
  const times = compiled.program.steps.map(() => 0);
  const results = await compiled.run(given, {
    signal,
    onStep: (index, milliseconds) => {
      times[index]! += milliseconds;
    },
  });
  const end = performance.now();
  const written = [];
  for (const [name, path] of targets) {
    const result = results[name]!;
    await writeFile(path, writeNpy({ shape: result.shape, data: result.dataSync() }));
    written.push({ name, dtype: result.dtype, shape: result.shape, path });
  }
  const { steps, memory } = compiled.program;
  const report = {
    backend: backend.name,
    info: backend.info,
    compileMilliseconds: ready - start,
    runMilliseconds: end - ready,
    memory,
    macs: steps.reduce((sum, { macs }) => sum + macs, 0),
    written,
    ...(values.profile && { steps: steps.map((step, i) => ({ ...step, milliseconds: times[i]! })) }),
  };
  if (values.json) return { output: formatJson(report) };
  const lines = [
    `${backend.name}: ${report.runMilliseconds.toFixed(1)} ms, after ${report.compileMilliseconds.toFixed(1)} ms to compile; ${number(report.macs / 1e6)} million multiply-accumulates; ${number(memory / 2 ** 20)} MiB`,
    ...written.map(({ name, dtype, shape, path }) => `${name}: ${dtype} [${shape.join(', ')}] in ${path}`),
  ];
  if (!report.steps) return { output: lines.join('\n') };
  const table = {
    head: ['step', 'algorithm', 'ms', 'million macs'],
    rows: report.steps.map(({ name, algorithm, macs, milliseconds }) => [
      name,
      algorithm,
      milliseconds.toFixed(3),
      number(macs / 1e6),
    ]),
  };
  return { output: [lines.join('\n'), textTable(table)].join('\n\n') };
}

/** Where each wanted output goes. */
function targetsOf(model: Model, values: Values): ReadonlyMap<string, string> {
  const given = named(values, 'output');
  const names = model.outputs.map(({ name }) => name);
  if (!given.length) throw new UsageError('--output is missing, for example --output y.npy');
  const folder = given.find(({ name, value }) => name === undefined && /[/\\]$/.test(value));
  if (!folder) {
    const targets = byName(given, names, 'output');
    if (new Set(targets.values()).size < targets.size)
      throw new UsageError('--output: two outputs would go into one file');
    return targets;
  }
  if (given.length > 1)
    throw new UsageError('--output folder/ writes every output; leave the other --output out');
  // names of tensors may hold slashes, and a file must stay inside the folder
  const files = names.map((name) => `${name.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '_') || '_'}.npy`);
  if (new Set(files).size < files.length)
    throw new UsageError('--output: outputs would share a file; give each by name=file.npy');
  return new Map(names.map((name, i) => [name, join(folder.value, files[i]!)]));
}

/** Makes the folders that outputs go into. */
const prepareFolder = (values: Values): Promise<unknown> =>
  Promise.all(
    named(values, 'output').map(({ name, value }) =>
      name === undefined && /[/\\]$/.test(value) ? mkdir(value, { recursive: true }) : undefined,
    ),
  );

/** A file's array as the network takes it: integers become floats, never the other way round. */
async function inputOf({ name, dtype, storedType }: ModelValue, path: string): Promise<Tensor> {
  const { data, shape } = readNpy(await bytesOf(path), path);
  if (dtype === 'float32')
    return tensor(data instanceof Float32Array ? data : Float32Array.from(data), shape);
  if (data instanceof Float32Array)
    throw new FormatError(`${path} has floats but the input ${name} takes ${storedType}; save integers`, {
      input: name,
    });
  if (dtype === 'int32') return tensor(data instanceof Int32Array ? data : Int32Array.from(data), shape);
  const outside = data.find((value) => value < 0 || value > 255);
  if (outside !== undefined)
    throw new FormatError(`${path} holds ${outside} but the input ${name} takes ${storedType}`, {
      input: name,
    });
  return tensor(data instanceof Uint8Array ? data : Uint8Array.from(data), shape);
}
