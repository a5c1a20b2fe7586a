/** What a worker runs whose backend cannot be made. */
import { serveBackend } from '../../src/workers/serve.js';

serveBackend(() => {
  throw new RangeError('too large');
});
