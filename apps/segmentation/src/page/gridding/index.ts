import './gridding.css';
import { render } from 'lit-html';
import { acceptFiles } from '../segment/files.js';
import { fetchSample } from '../segment/samples.js';
import type { MountView, ViewContext } from '../view-context.js';
import { Measurer } from './measurer.js';
import { paintCanvases } from './paint.js';
import { plans, withGaps } from './plans.js';
import { samples } from './samples.js';
import { type Actions, complete, initialState, type State } from './state.js';
import { ratesText, ratioText } from './text.js';
import { view } from './view.js';

/** The view "Gridding": one picture through three networks that differ in their rates, and what is in their feature maps. */
export const mount: MountView = (root, context) => {
  const view = new GriddingView(root, context);
  return () => view.dispose();
};

class GriddingView {
  readonly #root: HTMLElement;
  readonly #context: ViewContext;
  readonly #ended = new AbortController();
  readonly #measurer = new Measurer();
  #state: State = initialState;
  /** What runs now. */
  #running: AbortController | undefined;

  constructor(root: HTMLElement, context: ViewContext) {
    this.#root = root;
    this.#context = context;
    acceptFiles(
      {
        take: (file) => this.#actions.open(file, file.name || 'pasted picture'),
        dragging: (dragging) => this.#update({ dragging }),
      },
      this.#ended.signal,
    );
    const wanted = samples.find(({ name }) => name === context.parameters.get('picture'));
    this.#actions.openSample((wanted ?? samples[0]!).name);
  }

  dispose(): void {
    this.#ended.abort();
    this.#running?.abort();
    this.#measurer.dispose();
    this.#state.picture?.pixels.close();
    render(undefined, this.#root);
  }

  readonly #actions: Actions = {
    open: (file, name) => {
      this.#context.setParameters(new URLSearchParams());
      void this.#start(undefined, (signal) => this.#open(async () => file, name, signal));
    },
    openSample: (name) => {
      const { url } = samples.find((sample) => sample.name === name)!;
      this.#context.setParameters(new URLSearchParams({ picture: name }));
      void this.#start(name, (signal) => this.#open(() => fetchSample(url, signal), name, signal));
    },
    measureAgain: () => void this.#start(this.#state.sample, async () => undefined),
    cancel: () => this.#running?.abort(),
    setChannel: (plan, channel) => this.#update({ channels: { ...this.#state.channels, [plan]: channel } }),
    setPlace: (place) => this.#update({ place }),
  };

  #update(change: Partial<State>): void {
    if (this.#ended.signal.aborted) return;
    this.#state = { ...this.#state, ...change };
    render(view(this.#state, this.#actions), this.#root);
    paintCanvases(this.#root, this.#state);
  }

  /** Does what comes first, then measures; what ran before is cancelled. */
  async #start(sample: string | undefined, first: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#running?.abort();
    const own = new AbortController();
    this.#running = own;
    const { signal } = own;
    this.#update({ sample, message: '' });
    try {
      await first(signal);
      await this.#measure(signal);
      this.#say(`Done. ${plans.map((plan) => ratioText(plan, this.#state.measured[plan.id]!)).join('; ')}.`);
    } catch (error) {
      if (this.#running !== own || this.#ended.signal.aborted) return;
      this.#update({ work: undefined });
      if (signal.aborted) return this.#say('Cancelled.');
      this.#say('');
      this.#context.fail(error);
    }
  }

  async #open(file: () => Promise<Blob>, name: string, signal: AbortSignal): Promise<void> {
    this.#update({ work: { stage: 'Reading the picture', fraction: 0 } });
    const picture = await this.#measurer.open(await file(), name, signal);
    this.#state.picture?.pixels.close();
    this.#update({ picture: { name, ...picture }, measured: {}, place: undefined });
  }

  async #measure(signal: AbortSignal): Promise<void> {
    if (complete(this.#state)) this.#update({ measured: {} });
    // first the one beside whose maps those of the others are shown
    const order = plans.toSorted((a, b) => Number(b.id === withGaps) - Number(a.id === withGaps));
    for (const [i, plan] of order.entries()) {
      const stage = `Rates ${ratesText(plan)}`;
      const onProgress = (fraction: number) => {
        if (!signal.aborted) this.#update({ work: { stage, fraction: (i + fraction) / plans.length } });
      };
      onProgress(0);
      const measurement = await this.#measurer.measure(plan.id, { signal, onProgress });
      this.#update({ measured: { ...this.#state.measured, [plan.id]: measurement } });
    }
    this.#update({ work: undefined });
  }

  #say(message: string): void {
    this.#update({ message });
    if (message) this.#context.announce(message);
  }
}
