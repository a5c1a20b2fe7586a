/** What the programs of one backend share: the device, a queue, constants and kernels. */
import type { Constant } from '@atrous/core';
import { Queue } from '@atrous/core/backend';
import type { BuiltKernel, Device, Resident } from './device.js';
import { toFloats } from './dtype.js';
import { type Kernel, signatureOf } from './kernel.js';

interface SharedKernel {
  readonly built: Promise<BuiltKernel>;
  users: number;
}

interface SharedConstant {
  readonly resident: Resident;
  users: number;
}

/** Kernels that no program uses any more but that are kept, since another program may want the same ones. */
const maxIdleKernels = 64;

export class Runtime {
  readonly queue = new Queue();
  /** Why nothing runs any more, once that is so. */
  gone: string | undefined;
  readonly #constants = new Map<Constant, SharedConstant>();
  readonly #kernels = new Map<string, SharedKernel>();

  constructor(readonly device: Device) {
    device.lost.then(({ reason }) => {
      this.gone ??= reason;
    });
  }

  /** Uploads a constant once, whatever the number of its programs. */
  constant(constant: Constant): Resident {
    let shared = this.#constants.get(constant);
    if (shared === undefined) {
      const values = toFloats(constant.data);
      shared = { resident: this.device.upload(values, values.length), users: 0 };
      this.#constants.set(constant, shared);
    }
    shared.users++;
    return shared.resident;
  }

  releaseConstant(constant: Constant): void {
    const shared = this.#constants.get(constant);
    if (shared === undefined || --shared.users > 0) return;
    this.#constants.delete(constant);
    this.device.release(shared.resident);
  }

  /** Compiles a kernel once, whatever the number of its uses. */
  async kernel(kernel: Kernel): Promise<BuiltKernel> {
    const signature = signatureOf(kernel);
    let shared = this.#kernels.get(signature);
    // The most recently used stand last.
    if (shared) this.#kernels.delete(signature);
    else shared = { built: this.device.build(kernel), users: 0 };
    this.#kernels.set(signature, shared);
    shared.users++;
    try {
      return await shared.built;
    } catch (error) {
      this.#kernels.delete(signature);
      throw error;
    }
  }

  async releaseKernel(kernel: Kernel): Promise<void> {
    const shared = this.#kernels.get(signatureOf(kernel));
    if (shared === undefined) return;
    shared.users--;
    const idle = [...this.#kernels].filter(([, { users }]) => users === 0);
    for (const [signature, { built }] of idle.slice(0, Math.max(0, idle.length - maxIdleKernels))) {
      this.#kernels.delete(signature);
      this.device.destroyKernel(await built);
    }
  }

  async dispose(reason: string): Promise<void> {
    this.gone ??= reason;
    await this.queue.idle();
    this.#constants.clear();
    this.#kernels.clear();
    await this.device.dispose();
  }
}
