/** `docs/networks.md`: what a network is, from its graph, and how long it takes, from measurements. */
import type { Graph, Shape } from '@atrous/core';
import { macsOf } from '@atrous/core/backend';
import { channelsFirstPart } from '@atrous/onnx';
import { explain, type Report } from '@atrous/rf/report';
import type { Measurement } from '../records.js';
import { type SessionResult, short, table } from './markdown.js';

/** A network at the size that is measured. */
export interface NetworkFacts {
  readonly id: string;
  readonly graph: Graph;
  readonly parameters: number;
}

/** One table of structure, one of times for every session. */
export function networksMarkdown(facts: readonly NetworkFacts[], sessions: readonly SessionResult[]): string {
  return [structureTable(facts), ...sessions.map((session) => timesOf(facts, session))].join('\n\n');
}

function structureTable(facts: readonly NetworkFacts[]): string {
  const head = [
    'network',
    'convolutions',
    'dilations',
    'parameters',
    'multiply-accumulates',
    'receptive field',
    'inputs of it that are read',
  ];
  return table(
    head,
    facts.map(({ id, graph, parameters }) => {
      const convolutions = graph.nodes.filter(({ kind }) => kind === 'conv' || kind === 'convTranspose');
      const view = channelsFirstPart(graph);
      const [input, output] = [view.inputs, view.outputs].map(([n]) => graph.nodes[n!]!.shape) as [
        Shape,
        Shape,
      ];
      const report = explain(view, { inputSize: input.slice(2) });
      return [
        id,
        String(convolutions.length),
        dilationsOf(graph),
        parameters.toLocaleString('en'),
        `${short(graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0) / 1e9)} G`,
        fieldOf(report),
        report.coverage
          ? `${short(100 * report.coverage.fraction)} % (${report.coverage.holes} holes)`
          : `not counted for [${output.join(', ')}]`,
      ];
    }),
  );
}

function dilationsOf(graph: Graph): string {
  const counts = new Map<number, number>();
  for (const { kind, reach } of graph.nodes)
    if (kind === 'conv' && reach?.type === 'window') {
      const rate = Math.max(...reach.axes.map(({ dilation }) => dilation));
      counts.set(rate, (counts.get(rate) ?? 0) + 1);
    }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([rate, count]) => `${rate} (${count})`)
    .join(', ');
}

function fieldOf({ bounded, field, unbounded }: Report): string {
  const size = (bounded ?? field).size.join('×');
  return unbounded ? `the whole map; ${size} without global pooling` : size;
}

function timesOf(facts: readonly NetworkFacts[], { session, measurements, skips }: SessionResult): string {
  const { node, threads, model, cores, quick, fma } = session;
  const threadsText = threads === 1 ? 'one thread' : `${threads} threads`;
  const of = (workload: string, contestant: string): Measurement | undefined =>
    measurements.find((m) => m.workload === workload && m.contestant === contestant && m.threads === threads);
  const cell = (workload: string, contestant: string) => {
    const found = of(workload, contestant);
    if (found) return short(found.callMilliseconds);
    const skip = skips.find((s) => s.workload === workload && s.contestant === contestant);
    return skip ? `– (${skip.reason})` : '';
  };
  const against = (workload: string, contestant: string) => {
    const [own, other] = [of(workload, 'atrous'), of(workload, contestant)];
    return own && other ? `${(other.callMilliseconds / own.callMilliseconds).toFixed(2)}×` : '';
  };
  const rows = facts.map(({ id }) => [
    id,
    cell(id, 'atrous'),
    cell(id, 'onnxruntime-web'),
    against(id, 'onnxruntime-web'),
    cell(id, 'onnxruntime-node'),
    against(id, 'onnxruntime-node'),
    cell(id, 'gpu, webasm'),
    cell(id, 'reference'),
    of(id, 'atrous')?.largestDifference?.toExponential(1) ?? '',
  ]);
  const head = [
    'network',
    'cpu, ms',
    'onnxruntime-web, ms',
    'cpu against it',
    'onnxruntime-node, ms',
    'cpu against it',
    'gpu in WebAssembly, ms',
    'reference, ms',
    'largest difference of cpu',
  ];
  return `### Node ${node.slice(1)}, ${threadsText}

${model}, ${cores} cores; ${quick ? 'quick run; ' : ''}${fma ? 'fused multiply-add' : 'multiply and add'}. Medians of whole calls, taken in turns.

${table(head, rows)}`;
}
