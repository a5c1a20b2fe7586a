/** The network that is loaded, in its worker; loaded again for another model or after its worker died. */
import { type LoadProgress, load, type Segmenter } from '@atrous/segment';
import { idOf } from './address.js';
import { type ModelChoice, sameModel, sourceOf } from './models.js';
import type { Choice } from './state.js';

export class Network {
  #loaded: { readonly model: ModelChoice; readonly segmenter: Segmenter; choice: Choice } | undefined;
  #disposed = false;

  /**
   * The network on a backend. Where that fails, the one that was loaded stays.
   *
   * @throws what `load` and `use` throw; the signal's reason
   */
  async get(
    model: ModelChoice,
    choice: Choice,
    events: { readonly signal: AbortSignal; readonly onProgress: (progress: LoadProgress) => void },
  ): Promise<Segmenter> {
    const loaded = this.#loaded;
    if (loaded && sameModel(loaded.model, model)) {
      if (idOf(loaded.choice) !== idOf(choice)) {
        events.onProgress({ stage: 'start backend' });
        await loaded.segmenter.use(choice);
        loaded.choice = choice;
      }
      return loaded.segmenter;
    }
    const source = await sourceOf(model, events.signal);
    const segmenter = await load(source, { ...events, backend: choice });
    const before = this.#loaded;
    this.#loaded = { model, segmenter, choice };
    void before?.segmenter.dispose();
    if (this.#disposed) void segmenter.dispose();
    return segmenter;
  }

  /** Loads anew next time: the worker has died. */
  forget(): void {
    void this.#loaded?.segmenter.dispose();
    this.#loaded = undefined;
  }

  dispose(): void {
    this.#disposed = true;
    this.forget();
  }
}
