import {
  AtrousError,
  type Backend,
  type CompileOptions,
  type CpuOptions,
  DisposedError,
  ExecutionError,
  type Graph,
  type Program,
  type RunOptions,
  UnsupportedError,
  type Values,
} from '@atrous/core';
import { byteLength, checkAlive, checkMemory, checkRun, openReply, type Reply } from '@atrous/core/backend';
import { proxy, type Remote, transfer, wrap } from 'comlink';
import { PostedSet } from './constants.js';
import type { Service } from './serve.js';
import { onGone, startWorker, type WorkerLike } from './spawn.js';

export interface WorkerBackendOptions extends CpuOptions {
  /** What computes in the worker. Default `'cpu'`, with one thread unless `threads` asks for more. */
  readonly backend?: 'cpu' | 'reference' | undefined;
  /** A worker of your own, whose file calls `serveBackend`; the other options are handed to it. */
  readonly worker?: WorkerLike | undefined;
}

/** A worker that has not answered by then will not. */
const startMilliseconds = 30_000;

/**
 * A backend in a worker thread of Node or a browser, so that several compute at the same time:
 *
 * ```ts
 * const backend = await Promise.all(Array.from({ length: 4 }, () => workerBackend()));
 * const job = await tiled(network, source, { backend, tile: 512 });
 * ```
 *
 * Graphs are posted to it; constants lie in memory that all workers share, where the page is isolated and in Node, and
 * are copied for each otherwise. It is lost when the worker dies. Ends the worker when it is disposed.
 *
 * @throws UnsupportedError where no worker can be started, or one does not answer; what the backend throws when it starts
 */
export async function workerBackend({
  worker = startWorker(),
  ...options
}: WorkerBackendOptions = {}): Promise<Backend> {
  const client = new Client(worker);
  const late = setTimeout(
    () =>
      client.end(`it did not answer within ${startMilliseconds / 1000} s; its file must call serveBackend`),
    startMilliseconds,
  );
  try {
    const { name, info } = await client.call((service) =>
      service.open({ backend: 'cpu', threads: 1, ...options }),
    );
    client.watch();
    return client.backend(name, { ...info, worker: true });
  } catch (error) {
    await client.end('it could not start');
    if (!(error instanceof DisposedError)) throw error;
    throw new UnsupportedError(
      `workerBackend: no worker can be started: ${error.details.reason}`,
      error.details,
    );
  } finally {
    clearTimeout(late);
  }
}

/** The caller's side of a worker. */
class Client {
  readonly #worker: WorkerLike;
  readonly #port: MessagePort & { ref?(): void; unref?(): void };
  readonly #service: Remote<Service>;
  readonly #constants = new PostedSet();
  /** What waits for an answer; comlink would wait for a dead worker forever. */
  readonly #waiting = new Set<(error: unknown) => void>();
  #numbers = 0;
  #gone: string | undefined;
  #lose: (lost: { reason: string }) => void = () => undefined;
  readonly #lost = new Promise<{ reason: string }>((resolve) => {
    this.#lose = resolve;
  });

  constructor(worker: WorkerLike) {
    this.#worker = worker;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#service = wrap<Service>(port1);
    onGone(worker, (reason) => this.end(reason));
    (worker as Worker).postMessage({ port: port2 }, [port2]);
    this.#keep(false);
  }

  backend(name: string, info: Backend['info']): Backend {
    return {
      name,
      info,
      lost: this.#lost,
      compile: (graph, options = {}) => this.#compile(graph, options),
      dispose: async () => {
        if (this.#gone !== undefined) return;
        const ended = this.call(async (service) => ({ value: await service.dispose() }));
        this.#gone = 'the backend was disposed';
        await ended.catch(() => undefined);
        await this.end(this.#gone);
      },
    };
  }

  /** Is lost when the backend in the worker is. */
  watch(): void {
    void this.#service.lost().then((reason) => this.end(reason));
  }

  /** Ends the worker; what waits for it is rejected. */
  async end(reason: string): Promise<void> {
    const wasAlive = this.#gone === undefined;
    this.#gone ??= `the worker is gone: ${reason}`;
    for (const reject of this.#waiting)
      reject(new DisposedError(`workerBackend: ${this.#gone}; make a new one`, { reason }));
    this.#waiting.clear();
    this.#port.close();
    if (wasAlive) this.#lose({ reason: this.#gone });
    await this.#worker.terminate();
  }

  /** @throws what the worker replies; DisposedError if it dies before it does */
  async call<T>(action: (service: Remote<Service>) => Promise<Reply<T>>): Promise<T> {
    checkAlive('workerBackend', this.#gone);
    let waits: (error: unknown) => void = () => undefined;
    const reply = await new Promise<Reply<T>>((resolve, reject) => {
      waits = reject;
      if (this.#waiting.size === 0) this.#keep(true);
      this.#waiting.add(reject);
      action(this.#service).then(resolve, reject);
    }).finally(() => {
      this.#waiting.delete(waits);
      if (this.#waiting.size === 0) this.#keep(false);
    });
    try {
      return openReply(reply);
    } catch (error) {
      if (error instanceof AtrousError) throw error;
      const { name, message } = error as Error;
      throw new ExecutionError(`worker: ${name}: ${message}`, { name, message });
    }
  }

  /** A call that a signal cancels. */
  async #task<T>(
    signal: AbortSignal | undefined,
    action: (service: Remote<Service>, task: number) => Promise<Reply<T>>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const task = this.#numbers++;
    const cancel = () => void this.#service.cancel(task);
    signal?.addEventListener('abort', cancel);
    try {
      return await this.call((service) => action(service, task));
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async #compile(graph: Graph, { maxMemory, signal }: CompileOptions): Promise<Program> {
    checkAlive('workerBackend', this.#gone);
    const number = this.#numbers++;
    const { posted, constants, uses } = this.#constants.take(graph);
    const forget = () => {
      const unused = this.#constants.release(uses);
      if (this.#gone === undefined) void this.#service.forget(number, [...unused]);
    };
    try {
      const { memory, steps } = await this.#task(signal, (service, task) =>
        service.compile(number, task, posted, constants, maxMemory),
      );
      // the worker's own inputs, and the constants as they were posted
      const bytes = (nodes: readonly number[]) =>
        nodes.reduce((sum, n) => sum + byteLength(graph.nodes[n]!), 0);
      const weights = uses.reduce((sum, { data }) => sum + data.byteLength, 0);
      const total = memory + bytes(graph.inputs) + weights;
      if (maxMemory !== undefined) checkMemory('workerBackend', total, maxMemory, graph);
      return this.#program(graph, number, total, steps, forget);
    } catch (error) {
      forget();
      throw error;
    }
  }

  #program(
    graph: Graph,
    number: number,
    memory: number,
    steps: Program['steps'],
    forget: () => void,
  ): Program {
    let gone: string | undefined;
    return {
      memory,
      steps,
      run: async (inputs, { signal, out, onStep }: RunOptions = {}) => {
        checkAlive('program', gone);
        checkRun(graph, inputs, out);
        const results = await this.#task(signal, (service, task) => {
          const copies = inputs.map((values) => values.slice());
          const given = transfer(
            copies,
            copies.map(({ buffer }) => buffer),
          );
          return onStep
            ? service.run(
                number,
                task,
                given,
                proxy((...step: Parameters<typeof onStep>) => onStep(...step)),
              )
            : service.run(number, task, given);
        });
        if (!out) return results;
        results.forEach((values, i) => {
          out[i]!.set(values);
        });
        return out as readonly Values[];
      },
      dispose: () => {
        if (gone === undefined) forget();
        gone = 'the program was disposed';
      },
    };
  }

  /** Whether the worker keeps a process of Node alive: while something waits for it. */
  #keep(alive: boolean): void {
    for (const thing of [this.#port, this.#worker as { ref?(): void; unref?(): void }])
      if (alive) thing.ref?.();
      else thing.unref?.();
  }
}
