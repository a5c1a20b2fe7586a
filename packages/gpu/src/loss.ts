import { DisposedError } from '@atrous/core';

/** Tells once that a device is lost. */
export class Loss {
  #reason: string | undefined;
  #settle!: (value: { reason: string }) => void;
  readonly promise = new Promise<{ reason: string }>((resolve) => {
    this.#settle = resolve;
  });

  get reason(): string | undefined {
    return this.#reason;
  }

  lose(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#settle({ reason });
  }

  /** @throws DisposedError once the device is lost */
  check(device: string): void {
    if (this.#reason !== undefined)
      throw new DisposedError(`gpu (${device}): ${this.#reason}; call gpu() again`, { reason: this.#reason });
  }
}
