import './field.css';
import { render } from 'lit-html';
import type { MountView, ViewContext } from '../view-context.js';
import { readAddress, type Side, sides, writeAddress } from './address.js';
import type { FigureKind, Schedule } from './analysis.js';
import { Analyst, OvertakenError } from './analyst.js';
import { paintCanvases, watchTheme } from './paint.js';
import { type OpenedPicture, openPicture, openSample } from './picture.js';
import { listAt, moveAt, readStack, withoutCentredPadding, writeStack } from './stack.js';
import { type Actions, type Pane, paneOf, type State } from './state.js';
import { view } from './view.js';
import { rowAt } from './view-editor.js';

/** Wait for the next key or click this long before analysing, in milliseconds. */
const pause = 120;

/** The view "Receptive field": schedules, what they read, and where on a picture. */
export const mount: MountView = (root, context) => {
  const view = new FieldView(root, context);
  return () => view.dispose();
};

class FieldView {
  readonly #root: HTMLElement;
  readonly #context: ViewContext;
  readonly #ended = new AbortController();
  /** Analyses and pictures are asked for apart, so that one does not overtake the other. */
  readonly #analysts = { a: new Analyst(), b: new Analyst() };
  readonly #reachAnalysts = { a: new Analyst(), b: new Analyst() };
  readonly #figureAnalyst = new Analyst();
  readonly #timers: Partial<Record<Side, ReturnType<typeof setTimeout>>> = {};
  #state: State;
  /** What has changed is shown once, however often it changed in one task. */
  #stale = false;
  #frame = 0;

  constructor(root: HTMLElement, context: ViewContext) {
    this.#root = root;
    this.#context = context;
    const { address, problems } = readAddress(context.parameters);
    this.#state = {
      panes: { a: paneOf(address.a), b: address.b && paneOf(address.b) },
      point: address.point,
      showNeighbour: false,
      link: location.href,
    };
    for (const problem of problems) context.fail(problem);
    const { signal } = this.#ended;
    watchTheme(() => this.#render(), signal);
    this.#acceptDrops(signal);
    this.#render();
    for (const side of sides) this.#analyse(side, 0);
    void this.#show(openSample());
  }

  dispose(): void {
    this.#ended.abort();
    cancelAnimationFrame(this.#frame);
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    for (const analyst of [
      ...Object.values(this.#analysts),
      ...Object.values(this.#reachAnalysts),
      this.#figureAnalyst,
    ])
      analyst.dispose();
    this.#release(this.#state.picture);
    render(undefined, this.#root);
  }

  readonly #actions: Actions = {
    setLayers: (side, layers, said) => {
      const { axes } = this.#pane(side)!.schedule;
      const text = writeStack(layers);
      try {
        readStack(text, axes);
      } catch (error) {
        this.#context.announce((error as Error).message);
        this.#change(side, { draft: { text, problem: (error as Error).message } });
        return;
      }
      this.#change(side, { layers, schedule: { layers: text, axes }, draft: undefined });
      if (said) this.#context.announce(said);
      this.#changed(side);
    },
    toggle: (side, place, open) => {
      const places = new Set(this.#pane(side)!.open);
      if (open) places.add(place);
      else places.delete(place);
      this.#change(side, { open: places });
    },
    move: (side, path, by) => {
      const pane = this.#pane(side)!;
      const index = path.at(-1)! + by;
      this.#actions.setLayers(side, moveAt(pane.layers, path, by), `Layer moved to place ${index + 1}`);
      this.#render();
      // the focus follows the layer; at the end of the list its button no longer works
      const row = rowAt(this.#sectionOf(side), path.with(-1, index));
      const last = listAt(this.#pane(side)!.layers, path).length - 1;
      const button = index === 0 ? '.down' : index === last ? '.up' : by < 0 ? '.up' : '.down';
      row?.querySelector<HTMLElement>(button)?.focus();
    },
    setNotation: (side, text) => {
      const { axes } = this.#pane(side)!.schedule;
      this.#actions.setSchedule(side, { layers: text, axes });
    },
    setSchedule: (side, { layers: text, axes }) => {
      try {
        const layers = readStack(text, axes).map(withoutCentredPadding);
        this.#change(side, { layers, schedule: { layers: writeStack(layers), axes }, draft: undefined });
        this.#changed(side);
      } catch (error) {
        this.#change(side, { draft: { text, problem: (error as Error).message } });
      }
    },
    compare: (schedule = { layers: '3d1,2,3', axes: 2 }) => {
      this.#update({ panes: { ...this.#state.panes, b: paneOf(schedule) } });
      this.#context.announce('Schedule B is shown beside A');
      this.#changed('b');
    },
    closeComparison: () => {
      this.#analysts.b.dispose();
      this.#reachAnalysts.b.dispose();
      this.#update({ panes: { a: this.#state.panes.a } });
      this.#context.announce('Schedule B is closed');
      this.#writeAddress();
      this.#render();
      this.#root.querySelector<HTMLElement>('.pane .head button')?.focus();
    },
    setPoint: (point) => {
      this.#update({ point });
      this.#writeAddress();
      for (const side of sides) void this.#lookAtPicture(side);
    },
    setShowNeighbour: (showNeighbour) => {
      this.#update({ showNeighbour });
      for (const side of sides) void this.#lookAtPicture(side);
    },
    openPicture: (file, name) => void this.#show(openPicture(file, name)),
    save: (kind, which) => void this.#save(kind, which),
    copyLink: () => void this.#copyLink(),
  };

  #pane(side: Side): Pane | undefined {
    return this.#state.panes[side];
  }

  #sectionOf = (side: Side): HTMLElement => this.#root.querySelector(`[aria-labelledby="schedule-${side}"]`)!;

  #update(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    if (this.#stale) return;
    this.#stale = true;
    queueMicrotask(() => {
      if (this.#stale && !this.#ended.signal.aborted) this.#render();
    });
  }

  #change(side: Side, change: Partial<Pane>): void {
    const pane = this.#pane(side);
    if (pane) this.#update({ panes: { ...this.#state.panes, [side]: { ...pane, ...change } } });
  }

  #render(): void {
    this.#stale = false;
    render(view(this.#state, this.#actions), this.#root);
    // in a task of its own
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => paintCanvases(this.#root, this.#state));
  }

  /** After a schedule has changed: link, analysis and picture follow. */
  #changed(side: Side): void {
    this.#writeAddress();
    this.#analyse(side, pause);
  }

  #writeAddress(): void {
    const { panes, point } = this.#state;
    this.#context.setParameters(
      writeAddress({
        a: panes.a.schedule,
        ...(panes.b && { b: panes.b.schedule }),
        ...(point && { point }),
      }),
    );
    this.#update({ link: location.href });
  }

  #analyse(side: Side, wait: number): void {
    if (!this.#pane(side)) return;
    this.#change(side, { busy: true });
    clearTimeout(this.#timers[side]);
    this.#timers[side] = setTimeout(() => {
      void this.#ask(side);
      void this.#lookAtPicture(side);
    }, wait);
  }

  async #ask(side: Side): Promise<void> {
    const { schedule } = this.#pane(side)!;
    const analyst = this.#analysts[side];
    try {
      const analysis = await analyst.ask((api) => api.analyse(schedule));
      this.#change(side, { analysis, failure: undefined, suggestions: undefined });
    } catch (error) {
      if (error instanceof OvertakenError) return;
      this.#change(side, {
        failure: messageOf(error),
        analysis: undefined,
        suggestions: undefined,
        busy: false,
      });
      return;
    }
    try {
      this.#change(side, { suggestions: await analyst.ask((api) => api.suggest(schedule)), busy: false });
    } catch (error) {
      if (error instanceof OvertakenError) return;
      this.#change(side, { suggestions: { list: [], note: messageOf(error) }, busy: false });
    }
  }

  async #lookAtPicture(side: Side): Promise<void> {
    const pane = this.#pane(side);
    const { picture, point, showNeighbour } = this.#state;
    if (!pane || !picture || !point) return;
    const { schedule } = pane;
    try {
      const reach = await this.#reachAnalysts[side].ask((api) =>
        api.reach(schedule, [picture.height, picture.width], [point.y, point.x], showNeighbour),
      );
      this.#change(side, { reach, reachFailure: undefined });
    } catch (error) {
      if (error instanceof OvertakenError) return;
      this.#change(side, { reach: undefined, reachFailure: messageOf(error) });
    }
  }

  async #show(opening: Promise<OpenedPicture>): Promise<void> {
    let picture: OpenedPicture;
    try {
      picture = await opening;
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#context.fail(error);
      return;
    }
    if (this.#ended.signal.aborted) return this.#release(picture);
    const { point, picture: before } = this.#state;
    const { width, height } = picture;
    const middle = { x: width >> 1, y: height >> 1 };
    this.#update({
      picture,
      point: point && point.x < width && point.y < height ? point : middle,
      panes: {
        a: { ...this.#state.panes.a, reach: undefined },
        b: this.#state.panes.b && { ...this.#state.panes.b, reach: undefined },
      },
    });
    this.#release(before);
    for (const side of sides) void this.#lookAtPicture(side);
  }

  #release(picture: OpenedPicture | undefined): void {
    picture?.pixels.close();
    picture?.small.close();
  }

  #acceptDrops(signal: AbortSignal): void {
    const carriesFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    addEventListener('dragover', (event) => carriesFile(event) && event.preventDefault(), { signal });
    addEventListener(
      'drop',
      (event) => {
        if (!carriesFile(event)) return;
        event.preventDefault();
        const file = event.dataTransfer!.files[0];
        if (file) this.#actions.openPicture(file, file.name);
      },
      { signal },
    );
    addEventListener(
      'paste',
      (event) => {
        const file = event.clipboardData?.files[0];
        if (file) this.#actions.openPicture(file, file.name || 'pasted picture');
      },
      { signal },
    );
  }

  async #save(kind: FigureKind, which: readonly Side[]): Promise<void> {
    const schedules = which.flatMap((side): Schedule[] => {
      const pane = this.#pane(side);
      return pane ? [pane.schedule] : [];
    });
    try {
      const svg = await this.#figureAnalyst.ask((api) => api.figure(kind, schedules));
      const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
      const anchor = document.createElement('a');
      anchor.href = url;
      anchor.download = `receptive-field-${kind}-${which.join('')}.svg`;
      anchor.click();
      URL.revokeObjectURL(url);
      this.#context.announce(`${anchor.download} saved`);
    } catch (error) {
      if (!(error instanceof OvertakenError)) this.#context.fail(error);
    }
  }

  async #copyLink(): Promise<void> {
    this.#writeAddress();
    const { link } = this.#state;
    try {
      await navigator.clipboard.writeText(link);
      this.#context.announce('Link copied');
    } catch {
      // no permission, or a page without a secure address: the person copies it
      this.#root.querySelector<HTMLInputElement>('.link input')!.select();
      this.#context.announce('The link is selected; copy it with Control C');
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
