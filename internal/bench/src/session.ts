/** One process that measures with one number of threads: what main.ts starts, under the Node that was asked for. */
import { cpus } from 'node:os';
import { type Contestant, type Role, Unsupported } from './contestant.js';
import { atrous, atrousGpu, peers } from './contestants/index.js';
import { CoreGuard } from './core-guard.js';
import { type MeasureOptions, measure } from './measure.js';
import { makeProblem, type Problem } from './problem.js';
import type { Record } from './records.js';
import { measureRoofline } from './roofline.js';
import type { SessionOptions } from './session-options.js';

const quick: MeasureOptions = {
  samples: 7,
  budget: 250,
  leastSamples: 3,
  warmUp: 60,
  plainLimit: 0.31e9,
  patience: 500,
  settle: 0,
};

const thorough: MeasureOptions = {
  samples: 25,
  budget: 2500,
  leastSamples: 7,
  warmUp: 300,
  plainLimit: 1.5e9,
  patience: 10_000,
  settle: 0,
};

function optionsFor(isQuick: boolean, threads: number): MeasureOptions {
  if (threads === 1) return isQuick ? quick : thorough;
  return isQuick ? { ...quick, settle: 10, plainLimit: 0 } : { ...thorough, settle: 10 };
}

/** One line a record. What libraries log would break that, so it goes to the error stream. */
const print = (record: Record) => process.stdout.write(`${JSON.stringify(record)}\n`);
console.log = console.error;
console.warn = console.error;

async function run(options: SessionOptions): Promise<void> {
  const { threads } = options;
  const guard = new CoreGuard(threads);
  await guard.calibrate();
  const roofline = measureRoofline();
  print({
    kind: 'session',
    node: process.version,
    threads,
    model: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    quick: options.quick,
    ...roofline,
  });
  const { contestants, missing } = await gather(options);
  const measureOptions = optionsFor(options.quick, threads);
  for (const workload of options.workloads) {
    const problem = await makeProblem(workload);
    for (const record of await measure(problem, contestants, guard, roofline, measureOptions)) print(record);
    if (problem.truthMilliseconds !== undefined && options.backends) print(referenceRecord(problem, threads));
    for (const absent of missing)
      print({ kind: 'skip', workload: workload.id, threads, failed: false, ...absent });
  }
  await Promise.all(contestants.map((contestant) => contestant.dispose()));
  await guard.dispose();
}

/** One run, of a backend that is there to be right. */
function referenceRecord({ workload, operations, truthMilliseconds = 0 }: Problem, threads: number): Record {
  return {
    kind: 'measurement',
    workload: workload.id,
    contestant: 'reference',
    role: 'reference',
    threads,
    milliseconds: truthMilliseconds,
    callMilliseconds: truthMilliseconds,
    gflops: operations / truthMilliseconds / 1e6,
    boundMilliseconds: 0,
    samples: 1,
    disturbed: 0,
    error: 0,
  };
}

interface Absent {
  readonly contestant: string;
  readonly role: Role;
  readonly reason: string;
}

async function gather({ threads, peers: chosen, backends }: SessionOptions) {
  const contestants: Contestant[] = [];
  const missing: Absent[] = [];
  // one thread runs in the same turns, so that what threads gain does not depend on another process
  const entries = [
    ...[...new Set([1, threads])].map((count) => ({ ...atrous, count })),
    ...(backends && threads === 1 ? [{ ...atrousGpu, count: 1 }] : []),
    ...chosen.map((name) => ({ ...peers[name]!, count: threads })),
  ];
  for (const { name, role, make, count } of entries) {
    const made = await make(count);
    if (made instanceof Unsupported) missing.push({ contestant: name, role, reason: made.reason });
    else contestants.push({ name, role, threads: count, ...made });
  }
  return { contestants, missing };
}

await run(JSON.parse(process.argv[2]!));
// threads of peers would keep the process
process.exit(0);
