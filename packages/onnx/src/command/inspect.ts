import { AtrousError, cpu, type Graph, input, type Tensor, trace, UnsupportedError } from '@atrous/core';
import { macsOf } from '@atrous/core/backend';
import type { Model, ModelValue } from '@atrous/core/model';
import { RfError } from '@atrous/rf';
import { explain, formatJson, layerTable, measures, number, type Report, textTable } from '@atrous/rf/report';
import { channelsFirstPart } from '../channels-first.js';
import { problemsOf } from '../evaluate.js';
import type { Problem } from '../file.js';
import { type Inspection, inspect } from '../load.js';
import { byName, modelPath, named, type Outcome, textOf, UsageError, type Values } from './input.js';

/** What is known of a network at one size. */
interface AtSize {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly cost: { readonly macs: number; readonly memory: number } | undefined;
  /** How many convolutions have each dilation, written as `2` or, where axes differ, `1×2`. */
  readonly dilations: Readonly<Record<string, number>>;
  readonly report: Report | undefined;
}

/** Everything there is to see in a file, also where it cannot be run. */
export async function describeModel(words: readonly string[], values: Values): Promise<Outcome> {
  const path = modelPath(words, 'inspect');
  const inspection = await inspect(path, { anySize: values['any-size'] === true });
  const notes: string[] = [];
  const problems = [...inspection.problems];
  const shapes = shapesOf(inspection, values, notes);
  const sized =
    inspection.model && shapes
      ? await atSize(inspection.model, inspection, shapes, values, problems, notes)
      : undefined;
  const found = problems.length > 0 || (sized?.report?.coverage?.holes ?? 0) > 0;
  const code = values.check && found ? 1 : 0;
  const { model: _, problems: __, ...info } = inspection;
  if (values.json) return { output: formatJson({ ...info, unsupported: problems, notes, ...sized }), code };
  return { output: textFor(inspection, problems, sized, notes, values), code };
}

/** The size of every input: as given, or as the file declares it, a batch of any size being one. */
function shapesOf(
  { inputs }: Inspection,
  values: Values,
  notes: string[],
): Record<string, readonly number[]> | undefined {
  const given = byName(
    named(values, 'shape'),
    inputs.map(({ name }) => name),
    'shape',
  );
  const open: string[] = [];
  const shapes = inputs.map(({ name, shape }): [string, readonly number[]] => {
    const text = given.get(name);
    if (text !== undefined) return [name, sizesIn(text)];
    const declared = shape?.map((size, axis) => (typeof size === 'string' && axis === 0 ? 1 : size));
    if (declared?.every((size) => typeof size === 'number')) return [name, declared as number[]];
    open.push(`--shape ${name}=${declared ? declared.join(',') : '1,3,256,256'}`);
    return [name, []];
  });
  if (open.length === 0) return Object.fromEntries(shapes);
  notes.push(`The file leaves sizes open; for cost and receptive field give numbers: ${open.join(' ')}`);
  return undefined;
}

function sizesIn(text: string): readonly number[] {
  const sizes = text.split(/[,x×]/).map((size) => (/^\d{1,9}$/.test(size.trim()) ? Number(size) : NaN));
  if (sizes.every((size) => size > 0)) return sizes;
  throw new UsageError(`--shape takes sizes such as image=1,3,257,257, not "${text}"`);
}

async function atSize(
  model: Model,
  { inputs, outputs }: Inspection,
  shapes: Readonly<Record<string, readonly number[]>>,
  values: Values,
  problems: Problem[],
  notes: string[],
): Promise<AtSize | undefined> {
  const example = Object.fromEntries(
    inputs.map(({ name, dtype }): [string, Tensor] => [name, input(shapes[name]!, dtype, name)]),
  );
  let graph: Graph;
  let names: readonly string[];
  try {
    const traced = trace(model, example);
    graph = traced.graph;
    // names that are numbers come first among an object's keys
    names = Object.keys(traced.output);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    problems.push(...problemsOf(error));
    return undefined;
  }
  return {
    inputs: shapes,
    outputs: Object.fromEntries(names.map((name, i) => [name, graph.nodes[graph.outputs[i]!]!.shape])),
    cost: await costOf(graph, notes),
    dilations: dilationsOf(graph),
    report: reportOf(
      graph,
      Object.keys(example).indexOf(chosen('input', inputs, values) ?? ''),
      names.indexOf(chosen('output', outputs, values) ?? ''),
      notes,
    ),
  };
}

async function costOf(graph: Graph, notes: string[]): Promise<AtSize['cost']> {
  const backend = await cpu({ threads: 1 });
  try {
    const { memory } = await backend.compile(graph);
    // of the network as it is written; a backend may need fewer
    return { macs: graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0), memory };
  } catch (error) {
    if (!(error instanceof AtrousError)) throw error;
    notes.push(`Cost is not computed: ${error.message}`);
    return undefined;
  } finally {
    await backend.dispose();
  }
}

function dilationsOf(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, reach } of graph.nodes) {
    if (!kind.startsWith('conv') || !reach || !('axes' in reach)) continue;
    const rates = reach.axes.map((axis) => ('dilation' in axis ? axis.dilation : 1));
    const key = rates.every((rate) => rate === rates[0]) ? String(rates[0]) : rates.join('×');
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** The input or output that the receptive field is about. */
function chosen(option: 'input' | 'output', list: readonly ModelValue[], values: Values): string | undefined {
  const name = textOf(values, option);
  if (name === undefined || list.some((value) => value.name === name)) return name ?? list[0]?.name;
  throw new UsageError(
    `--${option}: the network has no "${name}" but ${list.map((value) => value.name).join(', ')}`,
  );
}

function reportOf(graph: Graph, from: number, to: number, notes: string[]): Report | undefined {
  if (from < 0) return undefined;
  const part = from === 0 ? channelsFirstPart(graph, to) : graph;
  if (part !== graph) {
    notes.push(
      'Input and output have channels last; the receptive field is that of the part between the transpositions.',
    );
    return reportOf(part, 0, 0, notes);
  }
  const shape = graph.nodes[graph.inputs[from]!]!.shape;
  if (shape.length < 3) {
    notes.push(`The receptive field is not computed: the input has no spatial axes ([${shape.join(', ')}]).`);
    return undefined;
  }
  try {
    return explain(graph, { input: from, output: to, inputSize: shape.slice(2) });
  } catch (error) {
    if (!(error instanceof RfError)) throw error;
    notes.push(`The receptive field is not computed: ${error.message}`);
    return undefined;
  }
}

function textFor(
  { inputs, outputs, operators, parameters, metadata }: Inspection,
  problems: readonly Problem[],
  sized: AtSize | undefined,
  notes: readonly string[],
  values: Values,
): string {
  const describe = (list: readonly ModelValue[], traced: AtSize['inputs'] | undefined) =>
    list
      .map(({ name, storedType, shape }) => {
        const declared = shape ? `[${shape.join(', ')}]` : 'of any shape';
        const own = traced?.[name] && `[${traced[name].join(', ')}]`;
        return `${name}: ${storedType} ${declared}${own && own !== declared ? `, here ${own}` : ''}`;
      })
      .join('; ');
  const counts = Object.entries(operators)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`);
  const rates = Object.entries(sized?.dilations ?? {}).map(([rate, count]) => `${rate} (${count})`);
  const facts: [string, string][] = [
    ...Object.entries(metadata).map(([key, value]): [string, string] => [key, value.split('\n')[0]!]),
    ['inputs', describe(inputs, sized?.inputs)],
    ['outputs', describe(outputs, sized?.outputs)],
    ['operators', counts.join(', ')],
    ['parameters', number(parameters)],
  ];
  if (sized?.cost)
    facts.push(
      ['macs', `${number(sized.cost.macs / 1e6)} million`],
      ['memory', `${number(sized.cost.memory / 2 ** 20)} MiB while it runs on the cpu backend`],
    );
  if (rates.length) facts.push(['dilations', `${rates.join(', ')} (convolutions)`]);
  const { report } = sized ?? {};
  const width = Math.max(...facts.map(([name]) => name.length));
  const sections = [
    facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n'),
    problems.length
      ? `Not supported:\n${problems.map(({ at, message }) => `• ${at}: ${message}`).join('\n')}`
      : 'Everything in this file is supported.',
    values.layers && report ? textTable(layerTable(report)) : '',
    report ? fieldText(report) : '',
    notes.join('\n'),
  ];
  return sections.filter(Boolean).join('\n\n');
}

function fieldText(report: Report): string {
  const rows = measures(report);
  const width = Math.max(...rows.map(([name]) => name.length));
  const findings = [...report.findings, ...report.missing.map((part) => `Not computed: ${part}`)];
  return [
    rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n'),
    findings.map((line) => `• ${line}`).join('\n'),
  ].join('\n\n');
}
