/** What runs in the page of `npm run bench -- --gpu`; `browser.ts` calls it. */
import { gpu } from '@atrous/gpu';
import { Unsupported } from '../contestant.js';
import { type Ort, onnxruntime } from '../contestants/onnxruntime.js';
import { type Tf, tfjs } from '../contestants/tfjs.js';
import { makeProblem } from '../problem.js';
import type { Workload } from '../workloads.js';
import { ownContestants } from './contestants.js';
import { type GpuContestant, type GpuMeasureOptions, measureGpu, reasonOf } from './measure.js';
import type { GpuMeasurement, GpuSession, GpuSkip } from './records.js';

/** Scripts of tfjs put themselves into this global; it is missing where they are not installed. */
const page = globalThis as typeof globalThis & { tf?: Tf; atrousBench?: PageBench };

export interface PageBench {
  /** Whether some mode computes on a GPU. */
  hasGpu(): Promise<boolean>;
  start(withPeers: boolean): Promise<Pick<GpuSession, 'adapters'>>;
  measure(workload: Workload, options: GpuMeasureOptions): Promise<readonly (GpuMeasurement | GpuSkip)[]>;
}

let contestants: readonly GpuContestant[] = [];

async function start(withPeers: boolean): Promise<Pick<GpuSession, 'adapters'>> {
  const own = await ownContestants(['webgpu', 'webgl2', 'webasm']);
  contestants = [...own.contestants, ...(withPeers ? [...(await tfjsPeers()), ...(await ortPeers())] : [])];
  return { adapters: own.adapters };
}

async function tfjsPeers(): Promise<GpuContestant[]> {
  const backends = [
    ['webgpu', 'webgpu'],
    ['webgl2', 'webgl'],
  ] as const;
  const peers: GpuContestant[] = [];
  for (const [mode, backend] of backends)
    peers.push({ family: 'tfjs', mode, own: false, engine: await startTfjs(backend) });
  return peers;
}

async function startTfjs(backend: 'webgpu' | 'webgl') {
  const { tf } = page;
  if (tf === undefined) return new Unsupported('tfjs: not installed');
  try {
    if (!(await tf.setBackend(backend)))
      return new Unsupported(`tfjs-backend-${backend} does not start here`);
    return tfjs(tf, backend);
  } catch (error) {
    return new Unsupported(`tfjs-backend-${backend}: ${reasonOf(error)}`);
  }
}

async function ortPeers(): Promise<GpuContestant[]> {
  const providers = [
    ['webgpu', 'webgpu'],
    ['webgl2', 'webgl'],
    ['webasm', 'wasm'],
  ] as const;
  const engine = await loadOrt();
  return providers.map(([mode, provider]) => ({
    family: 'onnxruntime-web',
    mode,
    own: false,
    engine:
      engine instanceof Unsupported
        ? engine
        : onnxruntime(engine, {
            session: { executionProviders: [provider] },
            intoGiven: false,
            copies: () => 0,
          }),
  }));
}

async function loadOrt(): Promise<Ort | Unsupported> {
  const address = '/peers/onnxruntime-web/dist/ort.all.min.mjs';
  try {
    const ort = (await import(/* @vite-ignore */ address)) as Ort;
    ort.env.wasm.numThreads = 1;
    return ort;
  } catch (error) {
    return new Unsupported(`onnxruntime-web: ${reasonOf(error)}`);
  }
}

const waterWeights = async () => new Uint8Array(await (await fetch('/water-net.safetensors')).arrayBuffer());

page.atrousBench = {
  hasGpu: async () => (await gpu.modes()).some(({ available, software }) => available && software === false),
  start,
  measure: async (workload, options) =>
    measureGpu(await makeProblem(workload, waterWeights), contestants, options),
};
