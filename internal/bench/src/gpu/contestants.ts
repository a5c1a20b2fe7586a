/** What of this repository competes, in Node and in pages alike. */
import { type Backend, cpu } from '@atrous/core';
import { gpu, type Mode } from '@atrous/gpu';
import { type Engine, Unsupported } from '../contestant.js';
import { type GpuContestant, reasonOf } from './measure.js';
import type { Adapter, GpuSession } from './records.js';

export interface Own {
  readonly contestants: readonly GpuContestant[];
  readonly adapters: GpuSession['adapters'];
}

/** `cpu()` with one thread and these modes of `gpu()`. */
export async function ownContestants(modes: readonly Mode[]): Promise<Own> {
  const contestants: GpuContestant[] = [];
  const adapters: Adapter[] = [];
  for (const mode of modes) {
    const engine = await started(() => gpu({ mode }));
    contestants.push({ family: 'atrous', mode, own: true, engine: engine.engine });
    if (engine.backend) {
      const { adapter, software } = engine.backend.info;
      adapters.push({ mode, adapter: String(adapter), software: software === true });
    }
  }
  const { engine } = await started(() => cpu({ threads: 1 }));
  contestants.push({ family: 'cpu', mode: 'cpu', own: true, engine });
  return { contestants, adapters };
}

async function started(
  start: () => Promise<Backend>,
): Promise<{ readonly engine: Engine | Unsupported; readonly backend?: Backend }> {
  try {
    const backend = await start();
    return { engine: engineOf(backend), backend };
  } catch (error) {
    return { engine: new Unsupported(reasonOf(error)) };
  }
}

/** The whole call: uploading the input, computing, reading the result. */
const engineOf = (backend: Backend): Engine => ({
  async prepare({ graph, x }) {
    const program = await backend.compile(graph);
    let out: readonly Float32Array[] = [];
    return {
      async run() {
        const start = performance.now();
        out = (await program.run([x])) as readonly Float32Array[];
        return performance.now() - start;
      },
      output: async () => out[0]!,
      dispose: () => program.dispose(),
    };
  },
  dispose: () => backend.dispose(),
});
