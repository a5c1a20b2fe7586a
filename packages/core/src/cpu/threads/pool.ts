/** Worker threads that help the calling thread with the tasks of a step. */
import type { Breather } from '../../backend/run.js';
import { DisposedError, ExecutionError } from '../../errors.js';
import { control, type Mail, spin } from './protocol.js';
import { workerSource } from './source.js';
import { messageOf, spawn, type WorkerThread } from './spawn.js';

/** A worker that is not there by then will not come. */
const startMilliseconds = 10_000;
/** Longest sleep before events get their turn: a worker that died is an event. */
const nap = 5;

type Unnumbered = Omit<Mail, 'mail'>;

export class Pool {
  readonly #workers: WorkerThread[] = [];
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * control.words));
  readonly #mayWait = mayWait();
  #programs = 0;
  #lose: (reason: string) => void = () => undefined;
  #gone: string | undefined;
  /** Settles when a worker dies that nobody ended. */
  readonly lost: Promise<{ reason: string }> = new Promise((resolve) => {
    this.#lose = (reason) => resolve({ reason });
  });

  /** Starts workers; resolves with why not if one of them cannot start. */
  static async start(count: number): Promise<Pool | { readonly reason: string }> {
    const pool = new Pool();
    const failure = await pool.#start(count);
    if (failure === undefined) return pool;
    pool.dispose('it could not start');
    return { reason: `one thread: ${failure}` };
  }

  private constructor() {}

  async #start(count: number): Promise<string | undefined> {
    try {
      return await new Promise((resolve) => {
        const late = setTimeout(() => resolve('workers did not start in time'), startMilliseconds);
        let waiting = count;
        const settle = (reason?: string) => {
          clearTimeout(late);
          resolve(reason);
        };
        const events = {
          message: () => --waiting === 0 && settle(),
          gone: (reason: string) => {
            settle(reason);
            this.#lost(reason);
          },
        };
        for (let i = 0; i < count; i++) {
          const worker = spawn(workerSource, `atrous ${i + 2}`, events);
          this.#workers.push(worker);
          worker.post({ control: this.#control });
        }
      });
    } catch (error) {
      return messageOf(error);
    } finally {
      for (const worker of this.#workers) worker.unref();
    }
  }

  #lost(reason: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#lose(reason);
  }

  /** Threads, the calling one included. */
  get threads(): number {
    return this.#workers.length + 1;
  }

  /** Tells all workers; they know it before they work on a step that is opened later. */
  send(mail: Unnumbered): void {
    const numbered: Mail = { mail: this.#control[control.mail]! + 1, ...mail };
    for (const worker of this.#workers) worker.post(numbered);
    Atomics.store(this.#control, control.mail, numbered.mail);
    // A changed number wakes also those that are about to sleep.
    Atomics.add(this.#control, control.step, 2);
    Atomics.notify(this.#control, control.step);
  }

  /** Makes a program's schedule known; returns its number. */
  addProgram(words: Int32Array): number {
    const id = this.#programs++;
    this.send({ program: [id, words] });
    return id;
  }

  /**
   * Runs tasks `first … last - 1` of a program on all threads; `run` is how this thread runs one. Returns when no
   * thread works on them any more, also when it throws.
   *
   * @throws ExecutionError if a kernel failed; DisposedError if a worker died; the signal's reason
   */
  async run(
    program: number,
    first: number,
    last: number,
    run: (task: number) => void,
    breather: Breather,
  ): Promise<void> {
    this.#open(program, first, last);
    try {
      for (;;) {
        const task = Atomics.add(this.#control, control.next, 1);
        if (task >= last) break;
        run(task);
        if (breather.due) await breather.pause();
      }
      await this.#close(() => (breather.due ? breather.pause() : undefined));
    } catch (error) {
      Atomics.store(this.#control, control.next, last);
      await this.#close(() => breather.rest());
      throw error;
    }
    this.#throwFailure();
  }

  #open(program: number, first: number, last: number): void {
    const words = this.#control;
    words[control.program] = program;
    words[control.last] = last;
    Atomics.store(words, control.failed, 0);
    Atomics.store(words, control.next, first);
    Atomics.add(words, control.step, 1);
    Atomics.notify(words, control.step);
  }

  /** Keeps new workers out and waits for those that are in. */
  async #close(pause: () => Promise<void> | undefined): Promise<void> {
    const words = this.#control;
    // Closed already when an earlier attempt was interrupted.
    if (Atomics.load(words, control.step) & 1) Atomics.add(words, control.step, 1);
    const until = performance.now() + spin;
    while (Atomics.load(words, control.active) !== 0 && performance.now() < until);
    for (;;) {
      const active = Atomics.load(words, control.active);
      if (active === 0) return;
      if (this.#gone !== undefined)
        throw new DisposedError(`cpu: ${this.#gone}; make a new backend`, { reason: this.#gone });
      if (this.#mayWait) {
        Atomics.wait(words, control.active, active, nap);
        await pause();
      } else await notifiedOrSoon(words, control.active, active);
    }
  }

  #throwFailure(): void {
    const words = this.#control;
    if (Atomics.load(words, control.failed) === 0) return;
    const start = control.text + 1;
    const message = String.fromCharCode(...words.subarray(start, start + words[control.text]!));
    throw new ExecutionError(`cpu: a kernel failed in a worker: ${message}`, { message });
  }

  /** Ends all workers. */
  dispose(reason: string): void {
    this.#gone ??= reason;
    for (const worker of this.#workers) worker.terminate();
    this.#workers.length = 0;
  }
}

/** Whether this thread may sleep: the main thread of a page may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

type WaitAsync = (
  words: Int32Array,
  at: number,
  value: number,
  milliseconds: number,
) => { readonly value: PromiseLike<string> | string };

/** Resolves when the word is notified, or after a moment; where that does not exist, after a turn of the event loop. */
async function notifiedOrSoon(words: Int32Array, at: number, value: number): Promise<void> {
  const { waitAsync } = Atomics as { waitAsync?: WaitAsync };
  if (waitAsync) await waitAsync(words, at, value, nap).value;
  else await new Promise((resolve) => setTimeout(resolve, 0));
}
