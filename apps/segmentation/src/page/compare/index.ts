import './compare.css';
import { describeBackends, load } from '@atrous/segment';
import { render } from 'lit-html';
import { fetchSample, samples } from '../segment/samples.js';
import type { MountView, ViewContext } from '../view-context.js';
import { compare, type Outcome } from './comparison.js';
import { contestants } from './contestants.js';
import { type Actions, initialState, type Side, type State, sides } from './state.js';
import { summary } from './text.js';
import { view } from './view.js';

/** The view "Compare backends": one network on every backend that works here, with times and the agreement of outputs. */
export const mount: MountView = (root, context) => {
  const view = new CompareView(root, context);
  return () => view.dispose();
};

class CompareView {
  readonly #root: HTMLElement;
  readonly #context: ViewContext;
  readonly #ended = new AbortController();
  #state: State;
  /** What runs now. */
  #running: AbortController | undefined;

  constructor(root: HTMLElement, context: ViewContext) {
    this.#root = root;
    this.#context = context;
    const side = sides.find((one) => String(one) === context.parameters.get('side'));
    this.#state = { ...initialState, side: side ?? initialState.side };
    this.#update({});
    void this.#describe();
  }

  dispose(): void {
    this.#ended.abort();
    this.#running?.abort();
    render(undefined, this.#root);
  }

  readonly #actions: Actions = {
    run: () => void this.#run(),
    cancel: () => this.#running?.abort(),
    setSide: (side) => {
      this.#context.setParameters(new URLSearchParams({ side: String(side) }));
      this.#update({ side });
    },
  };

  #update(change: Partial<State>): void {
    if (this.#ended.signal.aborted) return;
    this.#state = { ...this.#state, ...change };
    render(view(this.#state, this.#actions), this.#root);
  }

  async #describe(): Promise<void> {
    try {
      this.#update({ reports: await describeBackends() });
    } catch (error) {
      // without reports every backend is tried, and says itself why it does not work
      this.#update({ reports: [] });
      if (!this.#ended.signal.aborted) this.#context.fail(error);
    }
  }

  async #run(): Promise<void> {
    const { reports, side } = this.#state;
    if (!reports || this.#running) return;
    const own = new AbortController();
    this.#running = own;
    const { signal } = own;
    const waiting = contestants.map(({ id }): [string, Outcome] => [id, { kind: 'waiting' }]);
    this.#update({
      outcomes: Object.fromEntries(waiting),
      measuredSide: side,
      message: '',
      work: { stage: 'Reading the picture', fraction: 0 },
    });
    let picture: ImageBitmap | undefined;
    try {
      picture = await openSample(side, signal);
      await compare({
        contestants,
        reports,
        picture,
        signal,
        load: (options) => load('water', options),
        onOutcome: (id, outcome) => this.#update({ outcomes: { ...this.#state.outcomes, [id]: outcome } }),
        onProgress: (stage, fraction) => this.#update({ work: { stage, fraction } }),
      });
      this.#say(summary(this.#state));
    } catch (error) {
      const { outcomes } = this.#state;
      // what has not run is no result
      const known = Object.entries(outcomes).filter(([, { kind }]) => kind !== 'waiting');
      this.#update({ outcomes: Object.fromEntries(known) });
      this.#say(signal.aborted ? 'Cancelled.' : 'Failed.');
      if (!signal.aborted) this.#context.fail(error);
    } finally {
      picture?.close();
      this.#running = undefined;
      this.#update({ work: undefined });
    }
  }

  #say(message: string): void {
    this.#update({ message });
    if (!this.#ended.signal.aborted) this.#context.announce(message);
  }
}

/** The first sample as a square of the given side. */
async function openSample(side: Side, signal: AbortSignal): Promise<ImageBitmap> {
  const file = await fetchSample(samples[0]!.url, signal);
  return await createImageBitmap(file, {
    resizeWidth: side,
    resizeHeight: side,
    resizeQuality: 'high',
    colorSpaceConversion: 'none',
  });
}
