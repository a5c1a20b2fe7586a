/** What the calling thread and its workers share: one block of integers, and messages. */

/**
 * Words of the control block, each in a cache line of its own.
 *
 * A step is open while `step` is odd. A worker enters by adding itself to `active` and looking at `step` once more;
 * the calling thread closes the step and then waits until nobody is active. So whatever describes a step is written
 * while nobody reads it, and a worker that is late, asleep or busy with its mail delays nobody.
 */
export const control = {
  step: 0,
  active: 16,
  /** The next task that nobody has taken. */
  next: 32,
  /** Tasks of the open step end here. */
  last: 48,
  program: 64,
  /** Messages sent so far; a worker that has read fewer leaves its loop to read them. */
  mail: 80,
  /** 1 when a task has failed; then its message is in `text`. */
  failed: 96,
  /** Length of the message, then its UTF-16 units. */
  text: 112,
  words: 512,
} as const;

export const mostText = control.words - control.text - 1;

/** How long a thread looks for something to change before it sleeps, in milliseconds. */
export const spin = 0.03;

/** What a worker is told; every field on its own, all applied in this order. */
export interface Mail {
  /** How many messages were sent, this one included. */
  readonly mail: number;
  readonly memory?: WebAssembly.Memory;
  /** Kernel modules and the names of their functions; each gets the next number. */
  readonly modules?: readonly WebAssembly.Module[];
  readonly kernels?: readonly (readonly [module: number, name: string])[];
  /** A program's schedule, by number. */
  readonly program?: readonly [id: number, words: Int32Array];
  readonly forget?: number;
}
