import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { peers } from './contestants/index.js';

export interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  readonly write: boolean;
  readonly help: boolean;
  /** The modes of `@atrous/gpu` instead of `cpu`. */
  readonly gpu: boolean;
  /** Real networks from ONNX files instead of single layers. */
  readonly networks: boolean;
  /** Ways of tiling the shipped network, and large files through it. */
  readonly tiling: boolean;
  /** Parts of the ids of workloads; all of them if empty. */
  readonly only: readonly string[];
  /** A file with other workloads. */
  readonly workloads: string | undefined;
  readonly threads: readonly number[];
  readonly peers: readonly string[];
  /** `current`, `26`, or the path of a Node. */
  readonly nodes: readonly string[];
}

export const help = `npm run bench -- [options]

  --quick            fewer samples, under three minutes
  --only TEXT        workloads whose id contains the text; may be given several times
  --workloads FILE   other workloads, in the form of internal/bench/src/workloads.ts
  --threads 1,2      numbers of threads, each in a process of its own
  --peers A,B        of ${Object.keys(peers).join(', ')}; none
  --node 26,current  which Node: 26 (installed when needed), current, or a path; default BENCH_NODE or current
  --json             JSON lines instead of tables
  --networks         the networks of docs/networks.md instead; with --write into that page
  --gpu              the modes of @atrous/gpu, in Node and Chromium; takes --quick, --only, --peers none, --json,
                     --write
  --tiling           accuracy of every way of tiling, memory and time of large files (docs/tiling.md); --only takes
                     accuracy, 2000, 8000, 20000; takes --threads and --write
  --write            put the tables into docs/benchmarks.md`;

const listOf = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/**
 * @throws TypeError for an unknown option or value
 */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      gpu: { type: 'boolean', default: false },
      networks: { type: 'boolean', default: false },
      tiling: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      workloads: { type: 'string' },
      threads: { type: 'string', default: availableParallelism() > 1 ? '1,2' : '1' },
      peers: { type: 'string', default: Object.keys(peers).join() },
      node: { type: 'string', default: env.BENCH_NODE ?? 'current' },
    },
  });
  const threads = listOf(values.threads).map(Number);
  if (threads.length === 0 || !threads.every((count) => Number.isInteger(count) && count >= 1))
    throw new TypeError(`--threads takes numbers from 1 on, but got '${values.threads}'`);
  const chosen = listOf(values.peers).filter((name) => name !== 'none');
  const unknown = chosen.filter((name) => !(name in peers));
  if (unknown.length > 0)
    throw new TypeError(`--peers: no ${unknown.join(', ')}; there are ${Object.keys(peers).join(', ')}`);
  const { quick, json, write, only, workloads } = values;
  return {
    quick,
    json,
    write,
    help: values.help,
    gpu: values.gpu,
    networks: values.networks,
    tiling: values.tiling,
    only,
    workloads,
    threads,
    peers: chosen,
    nodes: listOf(values.node),
  };
}
