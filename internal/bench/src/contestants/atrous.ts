import { type Backend, cpu } from '@atrous/core';
import { type Engine, type Entry, Unsupported } from '../contestant.js';

/** The steps at the edges that bring values into the engine's own layout and back. */
const conversions = new Set(['channels last', 'row-major']);

const start: (options: { readonly threads: number }) => Promise<Backend> = cpu;

/** The `cpu` backend. Its time is the sum of its steps without those that only change the layout at the edges. */
export const atrous: Entry = {
  name: 'atrous',
  role: 'atrous',
  async make(threads) {
    const backend = await start({ threads });
    if (backend.info.threads !== threads) {
      await backend.dispose();
      return new Unsupported(`the engine runs on ${backend.info.threads} thread here`);
    }
    return engineOf(backend);
  },
};

function engineOf(backend: Backend): Engine {
  return {
    async prepare({ graph, x }) {
      const program = await backend.compile(graph);
      const { steps, memory } = program;
      const counts = steps.map(({ algorithm }) => !conversions.has(algorithm));
      const algorithms = new Set(steps.filter((_, i) => counts[i]).map(({ algorithm }) => algorithm));
      let milliseconds = 0;
      const onStep = (index: number, time: number) => {
        if (counts[index]) milliseconds += time;
      };
      let out: readonly Float32Array[] | undefined;
      return {
        algorithm: [...algorithms].join(', '),
        memory,
        async run() {
          milliseconds = 0;
          out = (await program.run([x], { onStep, ...(out && { out }) })) as readonly Float32Array[];
          return milliseconds;
        },
        output: async () => out![0]!,
        dispose: () => program.dispose(),
      };
    },
    dispose: () => backend.dispose(),
  };
}
