/**
 * What a program does, as numbers: calls of kernels with integers, grouped into tasks that may run side by side, and
 * tasks into phases that run one after the other.
 */
import type { Engine, KernelId } from './engine.js';
import type { Address } from './values.js';

/** Most arguments of a kernel. */
const argumentsPerCall = 13;
/** Words of a call: the kernel, then its arguments. */
export const wordsPerCall = argumentsPerCall + 1;

/** The calls of one step, as they are written. */
export class Calls {
  #words = new Int32Array(16 * wordsPerCall);
  #length = 0;
  /** Places of words that count from the start of the arena. */
  readonly arenaWords: number[] = [];
  readonly #tasks: number[] = [0];
  readonly #phases: number[] = [0];
  #alone: Schedule | undefined;

  /** Appends a call to the task that is being written. */
  call(kernel: KernelId, ...args: (number | Address)[]): void {
    if (args.length > argumentsPerCall)
      throw new Error(`a kernel takes at most ${argumentsPerCall} arguments, not ${args.length}`);
    if (this.#length + wordsPerCall > this.#words.length) {
      const more = new Int32Array(2 * this.#words.length);
      more.set(this.#words);
      this.#words = more;
    }
    const words = this.#words;
    const start = this.#length;
    words[start] = kernel;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!;
      const at = start + 1 + i;
      if (typeof arg === 'number') words[at] = arg;
      else {
        words[at] = arg.offset;
        if (arg.arena) this.arenaWords.push(at);
      }
    }
    this.#length += wordsPerCall;
  }

  /**
   * Ends a task. Tasks of one phase neither overlap in what they write, scratch included, nor wait for each other:
   * threads run them in any order.
   */
  endTask(): void {
    if (this.#length > this.#tasks.at(-1)!) this.#tasks.push(this.#length);
  }

  /** Ends a phase: the tasks written from here on start only when all tasks written so far have ended. */
  endPhase(): void {
    const end = this.taskCount;
    if (end > this.#phases.at(-1)!) this.#phases.push(end);
  }

  /** For every phase of the step, the number of the task after its last. */
  get phaseEnds(): readonly number[] {
    this.endPhase();
    return this.#phases.slice(1);
  }

  get taskCount(): number {
    this.endTask();
    return this.#tasks.length - 1;
  }

  /** Where each task starts among the words, and where the last one ends. */
  get tasks(): readonly number[] {
    this.endTask();
    return this.#tasks;
  }

  get words(): Int32Array {
    return this.#words.subarray(0, this.#length);
  }

  /** Runs one task by itself, with the arena at this address. */
  run(task: number, engine: Engine, arena: number): void {
    this.#alone ??= new Schedule([this], false);
    this.#alone.link(arena);
    this.#alone.run(task, engine);
  }
}

/** Runs of integers: where each task of a program starts, then all calls of all its steps. */
export class Schedule {
  /** In shared memory if other threads read it. */
  readonly words: Int32Array;
  /** The first task of each step, and the number of all tasks. */
  readonly firstTasks: readonly number[];
  /** For every phase of each step, the number of the task after its last. */
  readonly phaseEnds: readonly (readonly number[])[];
  readonly #arenaWords: Int32Array;
  #arena = 0;

  constructor(steps: readonly Calls[], shared: boolean) {
    const firstTasks = [0];
    for (const { taskCount } of steps) firstTasks.push(firstTasks.at(-1)! + taskCount);
    const starts = firstTasks.at(-1)! + 1;
    const length = steps.reduce((sum, { words }) => sum + words.length, starts);
    this.words = new Int32Array(
      (shared ? new SharedArrayBuffer(4 * length) : new ArrayBuffer(4 * length)) as ArrayBuffer,
    );
    this.firstTasks = firstTasks;
    this.phaseEnds = steps.map(({ phaseEnds }, step) => phaseEnds.map((end) => firstTasks[step]! + end));
    this.#arenaWords = new Int32Array(steps.reduce((sum, { arenaWords }) => sum + arenaWords.length, 0));
    let at = starts;
    let arenaAt = 0;
    steps.forEach(({ words, tasks, arenaWords }, step) => {
      this.words.set(words, at);
      for (let task = 0; task + 1 < tasks.length; task++)
        this.words[firstTasks[step]! + task] = at + tasks[task]!;
      for (const place of arenaWords) this.#arenaWords[arenaAt++] = at + place;
      at += words.length;
    });
    this.words[starts - 1] = at;
  }

  get bytes(): number {
    return this.words.byteLength + this.#arenaWords.byteLength;
  }

  /** Adds the arena's address where it belongs; does something only when the arena has moved. */
  link(arena: number): void {
    const move = arena - this.#arena;
    if (move === 0) return;
    const { words } = this;
    for (const at of this.#arenaWords) words[at]! += move;
    this.#arena = arena;
  }

  /** Runs one task in this thread. */
  run(task: number, engine: Engine): void {
    const { words } = this;
    const end = words[task + 1]!;
    for (let at = words[task]!; at < end; at += wordsPerCall)
      engine.run(words[at]!)(
        words[at + 1]!,
        words[at + 2]!,
        words[at + 3]!,
        words[at + 4]!,
        words[at + 5]!,
        words[at + 6]!,
        words[at + 7]!,
        words[at + 8]!,
        words[at + 9]!,
        words[at + 10]!,
        words[at + 11]!,
        words[at + 12]!,
        words[at + 13]!,
      );
  }
}
