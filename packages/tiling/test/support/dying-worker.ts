/** What a worker runs that serves `reference` and ends in the middle of its first run. */
import { reference } from '@atrous/core';
import { serveBackend } from '../../src/workers/serve.js';

serveBackend(() => {
  const backend = reference();
  return {
    ...backend,
    async compile(graph, options) {
      const program = await backend.compile(graph, options);
      const run: typeof program.run = (inputs, more) => {
        setTimeout(() => process.exit(7), 50);
        return program.run(inputs, more);
      };
      return { ...program, run };
    },
  };
});
