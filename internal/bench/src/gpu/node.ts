/** The Node part of `npm run bench -- --gpu`: the mode webasm beside plain gpu.js and `cpu()`. */
import { cpus } from 'node:os';
import { gpuJs } from '../contestants/gpujs.js';
import { makeProblem } from '../problem.js';
import type { Workload } from '../workloads.js';
import { ownContestants } from './contestants.js';
import { type GpuContestant, type GpuMeasureOptions, measureGpu } from './measure.js';
import type { GpuRecord } from './records.js';

export async function measureInNode(
  workloads: readonly Workload[],
  peers: boolean,
  quick: boolean,
  options: GpuMeasureOptions,
  onRecord: (record: GpuRecord) => void,
): Promise<void> {
  const { contestants: own, adapters } = await ownContestants(['webasm']);
  const contestants: GpuContestant[] = [...own];
  if (peers) contestants.push({ family: 'gpu.js', mode: 'webasm', own: false, engine: await gpuJs.make(1) });
  onRecord({
    kind: 'session',
    place: `Node ${process.versions.node}`,
    model: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    quick,
    adapters,
  });
  for (const workload of workloads)
    for (const record of await measureGpu(await makeProblem(workload), contestants, options))
      onRecord(record);
}
