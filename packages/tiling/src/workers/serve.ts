import { type Backend, type Constant, OptionError, type Program, type Values } from '@atrous/core';
import { type Reply, replyOf } from '@atrous/core/backend';
import { expose, type ProxyMarked, type Remote, releaseProxy, transfer } from 'comlink';
import { type PostedConstants, type PostedGraph, received } from './constants.js';

export type OnStep = (index: number, milliseconds: number) => void;

/** What a worker does for the thread that started it. Programs and tasks are numbered by the caller. */
export class Service {
  readonly #make: (options: unknown) => Backend | Promise<Backend>;
  #backend: Backend | undefined;
  readonly #programs = new Map<number, Program>();
  readonly #constants = new Map<number, Constant>();
  readonly #tasks = new Map<number, AbortController>();

  constructor(make: (options: unknown) => Backend | Promise<Backend>) {
    this.#make = make;
  }

  open(options: unknown): Promise<Reply<Pick<Backend, 'name' | 'info'>>> {
    return replyOf(async () => {
      if (this.#backend)
        throw new OptionError('workerBackend: this worker has a backend already; give each its own');
      this.#backend = await this.#make(options);
      const { name, info } = this.#backend;
      return { name, info };
    });
  }

  /** Answers when the backend is lost. */
  async lost(): Promise<string> {
    return (await this.#backend!.lost).reason;
  }

  compile(
    program: number,
    task: number,
    graph: PostedGraph,
    constants: PostedConstants,
    maxMemory: number | undefined,
  ): Promise<Reply<Pick<Program, 'memory' | 'steps'>>> {
    for (const [number, data] of constants) this.#constants.set(number, { data });
    return this.#task(task, async (signal) => {
      const options = { signal, ...(maxMemory !== undefined && { maxMemory }) };
      const compiled = await this.#backend!.compile(received(graph, this.#constants), options);
      this.#programs.set(program, compiled);
      const { memory, steps } = compiled;
      return { memory, steps };
    });
  }

  async run(
    program: number,
    task: number,
    inputs: readonly Values[],
    onStep?: OnStep & ProxyMarked,
  ): Promise<Reply<readonly Values[]>> {
    const tell = onStep as unknown as Remote<OnStep & ProxyMarked> | undefined;
    const told: Promise<void>[] = [];
    const reply = await this.#task(task, async (signal) => {
      const results = await this.#programs.get(program)!.run(inputs, {
        signal,
        ...(tell && { onStep: (...step) => void told.push(tell(...step)) }),
      });
      await Promise.all(told);
      return results;
    });
    tell?.[releaseProxy]();
    if ('error' in reply) return reply;
    return transfer(reply, [...new Set(reply.value.map(({ buffer }) => buffer as ArrayBuffer))]);
  }

  cancel(task: number): void {
    this.#tasks.get(task)?.abort();
  }

  /** @param constants numbers of constants that nothing uses any more */
  forget(program: number, constants: readonly number[]): void {
    this.#programs.get(program)?.dispose();
    this.#programs.delete(program);
    for (const number of constants) this.#constants.delete(number);
  }

  async dispose(): Promise<void> {
    await this.#backend?.dispose();
  }

  async #task<T>(task: number, action: (signal: AbortSignal) => Promise<T>): Promise<Reply<T>> {
    const controller = new AbortController();
    this.#tasks.set(task, controller);
    const reply = await replyOf(() => action(controller.signal));
    this.#tasks.delete(task);
    return reply;
  }
}

/**
 * Makes a worker serve a backend. Called at the top level of the worker's file, in Node and in browsers; the other side
 * is `workerBackend({ worker })`.
 *
 * ```ts
 * serveBackend(() => mine()); // any backend
 * ```
 *
 * @param make starts the backend; gets the options of `workerBackend` that are for it
 */
export function serveBackend(make: (options: unknown) => Backend | Promise<Backend>): void {
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  const here = (threads?.parentPort ?? globalThis) as unknown as EventTarget;
  here.addEventListener('message', (event) => {
    const { port } = (event as MessageEvent<{ readonly port: MessagePort }>).data;
    expose(new Service(make), port);
  });
}
