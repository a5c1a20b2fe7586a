import { type Entry, timed } from '../contestant.js';

/** `@atrous/gpu` in the mode that every machine has: WebAssembly. Upload and reading back are part of its time. */
export const atrousGpu: Entry = {
  name: 'gpu, webasm',
  role: 'gpu',
  async make() {
    const { gpu } = await import('@atrous/gpu');
    const backend = await gpu({ mode: 'webasm' });
    return {
      async prepare({ graph, x }) {
        const program = await backend.compile(graph);
        let out: readonly Float32Array[] = [];
        return {
          run: () =>
            timed(async () => {
              out = (await program.run([x])) as readonly Float32Array[];
            }),
          output: async () => out[0]!,
          dispose: () => program.dispose(),
        };
      },
      dispose: () => backend.dispose(),
    };
  },
};
