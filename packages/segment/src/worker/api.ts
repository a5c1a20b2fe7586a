/** What a page and its worker say to each other; comlink carries it. */

import { DisposedError } from '@atrous/core';
import { type Reply, replyOf } from '@atrous/core/backend';
import { expose, transfer } from 'comlink';
import type { BackendChoice, BackendInfo, BackendReport } from '../backends.js';
import type { Engine, EngineOptions, EngineResult } from '../engine/engine.js';
import { type OpenRequest, openEngine } from '../engine/open.js';
import type { ModelDescription } from '../models/index.js';
import type { PictureMessage } from '../picture/message.js';
import { backendsHere } from '../start-backend.js';

/** How far a job has come. Travels on the port of the calls, so that it comes before the job's reply. */
export interface ProgressMessage {
  readonly job: number;
  readonly progress: unknown;
}

/** Answers on the port that comes as the first message. */
export function serve(here: Pick<MessagePort, 'addEventListener'>): void {
  here.addEventListener('message', ({ data }: MessageEvent<MessagePort>) =>
    expose(new WorkerApi(data), data),
  );
}

export interface Opened {
  readonly description: ModelDescription;
  readonly backend: BackendInfo;
}

/** One network in a worker. Jobs are numbered by the caller, who can cancel them. */
export class WorkerApi {
  #engine: Engine | undefined;
  readonly #port: MessagePort;
  readonly #jobs = new Map<number, AbortController>();

  constructor(port: MessagePort) {
    this.#port = port;
  }

  cancel(job: number): void {
    this.#jobs.get(job)?.abort();
  }

  open(job: number, request: OpenRequest): Promise<Reply<Opened>> {
    return this.#run(job, async (events) => {
      this.#engine = await openEngine(request, events);
      return { description: this.#engine.description, backend: this.#engine.backend! };
    });
  }

  segment(job: number, picture: PictureMessage, options: EngineOptions): Promise<Reply<EngineResult>> {
    return this.#run(job, async (events) => await this.#opened.segment(picture, options, events)).then(
      (reply) => ('error' in reply ? reply : transfer(reply, buffersOf(reply.value))),
    );
  }

  use(job: number, choice: 'auto' | BackendChoice): Promise<Reply<BackendInfo>> {
    return this.#run(job, ({ signal }) => this.#opened.use(choice, signal));
  }

  backends(job: number): Promise<Reply<readonly BackendReport[]>> {
    return this.#run(job, backendsHere);
  }

  get #opened(): Engine {
    if (this.#engine) return this.#engine;
    throw new DisposedError('the worker has no network yet', {});
  }

  async #run<T>(
    job: number,
    work: (events: { signal: AbortSignal; onProgress: (progress: unknown) => void }) => Promise<T>,
  ): Promise<Reply<T>> {
    const controller = new AbortController();
    this.#jobs.set(job, controller);
    const onProgress = (progress: unknown) =>
      this.#port.postMessage({ job, progress } satisfies ProgressMessage);
    const reply = await replyOf(() => work({ signal: controller.signal, onProgress }));
    this.#jobs.delete(job);
    return reply;
  }
}

const buffersOf = ({ labels, confidence, logits, pixels }: EngineResult): Transferable[] =>
  [labels, confidence, pixels, ...(logits ? [logits] : [])].map(({ buffer }) => buffer);
