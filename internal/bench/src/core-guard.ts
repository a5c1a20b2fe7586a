/** Detects that a core runs slower than it can, or that other work takes it away. */
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** A loop above this multiple of the fastest one means a slow core. */
const tolerance = 1.25;

/** A chain of dependent operations, some 0.3 ms: its time tells the speed of the core and nothing else. */
const chain = `(() => {
  let value = 1;
  for (let i = 0; i < 100000; i++) value = value * 1.0000001 + 1e-9;
  return value;
})`;

const watcherSource = `
const { workerData } = require('node:worker_threads');
const turns = new Int32Array(workerData, 0, 2);
const time = new Float64Array(workerData, 8, 1);
const chain = ${chain};
for (let turn = 0; ; turn++) {
  Atomics.wait(turns, 0, turn);
  const start = performance.now();
  chain();
  time[0] = performance.now() - start;
  Atomics.store(turns, 1, turn + 1);
  Atomics.notify(turns, 1);
}`;

// from text, as the workers have it, so that all cores run the same code
const runChain = new Function(`return ${chain}`)() as () => number;

export class CoreGuard {
  readonly #watchers: { readonly worker: Worker; readonly shared: SharedArrayBuffer }[] = [];
  #fastest = Infinity;

  /** @param cores how many cores must be free at once */
  constructor(cores: number) {
    for (let i = 1; i < cores; i++) {
      const shared = new SharedArrayBuffer(16);
      const worker = new Worker(watcherSource, { eval: true, workerData: shared });
      worker.unref();
      this.#watchers.push({ worker, shared });
    }
  }

  /** Learns how fast the cores can be. */
  async calibrate(): Promise<void> {
    for (let i = 0; i < 60; i++) {
      this.healthy();
      if (i % 20 === 19) await setTimeout(5);
    }
  }

  /** Whether all cores are as fast as they have ever been; the second try excuses a short interruption. */
  healthy(): boolean {
    return this.#fast() || this.#fast();
  }

  /** Waits until the cores are healthy, but not longer than this. */
  async recover(milliseconds: number): Promise<boolean> {
    const start = performance.now();
    while (!this.healthy()) {
      if (performance.now() - start > milliseconds) return false;
      await setTimeout(3);
    }
    return true;
  }

  /** Starts to watch a sample; the function tells whether this process had its cores for itself until now. */
  watch(): () => boolean {
    const start = performance.now();
    const usage = process.cpuUsage();
    const switches = process.resourceUsage().involuntaryContextSwitches;
    return () => {
      const elapsed = performance.now() - start;
      // threads that wait for each other leave no trace in the time, threads that were pushed aside do in the switches
      if (this.#watchers.length > 0) {
        const pushedAside = process.resourceUsage().involuntaryContextSwitches - switches;
        return pushedAside <= 1 + elapsed / 25;
      }
      const { user, system } = process.cpuUsage(usage);
      return elapsed <= (1.1 * (user + system)) / 1000 + 0.3;
    };
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#watchers.map(({ worker }) => worker.terminate()));
  }

  #fast(): boolean {
    const turns = this.#watchers.map(({ shared }) => {
      const turn = new Int32Array(shared, 0, 2);
      Atomics.add(turn, 0, 1);
      Atomics.notify(turn, 0);
      return turn;
    });
    const start = performance.now();
    runChain();
    let slowest = performance.now() - start;
    turns.forEach((turn, i) => {
      const due = Atomics.load(turn, 0);
      for (let done = Atomics.load(turn, 1); done < due; done = Atomics.load(turn, 1))
        Atomics.wait(turn, 1, done);
      slowest = Math.max(slowest, new Float64Array(this.#watchers[i]!.shared, 8, 1)[0]!);
    });
    this.#fastest = Math.min(this.#fastest, slowest);
    return slowest <= tolerance * this.#fastest;
  }
}
