import './segment.css';
import { ExecutionError } from '@atrous/core';
import {
  describeBackends,
  type LoadProgress,
  type Segmentation,
  type SegmentProgress,
} from '@atrous/segment';
import { transfer } from 'comlink';
import { render } from 'lit-html';
import type { MountView, ViewContext } from '../view-context.js';
import { readAddress, writeAddress } from './address.js';
import { acceptFiles, saveFile } from './files.js';
import { descriptionOf, isModelFile } from './models.js';
import { Network } from './network.js';
import { showBitmap, startPictures } from './pictures.js';
import { fetchSample, type Sample, samples } from './samples.js';
import { type Actions, initialState, type ShownPicture, type State, type Summary } from './state.js';
import { Stopwatch } from './stopwatch.js';
import { view } from './view.js';
import { openWebcam, type Webcam } from './webcam.js';

/** The view "Segment": a picture or a camera, a network, a backend, and what is where. */
export const mount: MountView = (root, context) => {
  const view = new SegmentView(root, context);
  return () => view.dispose();
};

class SegmentView {
  readonly #root: HTMLElement;
  readonly #context: ViewContext;
  readonly #ended = new AbortController();
  readonly #pictures;
  readonly #network = new Network();
  #state: State;
  /** Of the run that is shown; aborted when another overtakes it. */
  #running: AbortController | undefined;
  /** What is segmented: the picture as a file, or nothing while a camera runs. */
  #source: Blob | undefined;
  #camera: { readonly ended: AbortController; webcam?: Webcam } | undefined;
  #ids = 0;
  /** The newest pixel that was asked for. */
  #asked = 0;

  constructor(root: HTMLElement, context: ViewContext) {
    this.#root = root;
    this.#context = context;
    this.#pictures = startPictures((error) => context.fail(error));
    const address = readAddress(context.parameters);
    this.#state = { ...initialState, ...address, description: descriptionOf(address.model) };
    acceptFiles(
      {
        take: (file) => this.#actions.open(file),
        dragging: (dragging) => this.#update({ dragging }),
      },
      this.#ended.signal,
    );
    this.#render();
    void this.#start();
  }

  dispose(): void {
    this.#ended.abort();
    this.#running?.abort();
    this.#camera?.ended.abort();
    this.#network.dispose();
    this.#pictures.dispose();
    render(undefined, this.#root);
  }

  async #start(): Promise<void> {
    await this.#openSample(samples.find(({ model }) => model === this.#modelName) ?? samples[0]!);
    // afterwards, so that trying does not slow down the first picture
    try {
      this.#update({ backends: await describeBackends() });
    } catch (error) {
      this.#fail(error);
    }
  }

  get #modelName(): string {
    return this.#state.model.name;
  }

  readonly #actions: Actions = {
    open: (file) => {
      if (isModelFile(file)) this.#actions.setModel({ kind: 'file', name: file.name, file });
      else void this.#open(file, file.name || 'pasted picture');
    },
    openSample: (sample) => void this.#openSample(sample),
    startCamera: () => void this.#film(),
    pauseCamera: (paused) => this.#camera?.webcam?.pause(paused),
    stopCamera: () => this.#stopCamera(),
    setModel: (model) => {
      const { tile } = this.#state;
      this.#choose({ model, description: descriptionOf(model), tile: model.kind === 'known' ? tile : false });
      if (model.kind === 'file') this.#update({ fileModel: model });
    },
    setChoice: (choice) => this.#choose({ choice }),
    setTile: (tile) => this.#choose({ tile }),
    run: () => void this.#run(),
    cancel: () => {
      this.#running?.abort();
      this.#stopCamera();
    },
    setBase: (base) => void this.#setBase(base),
    setOpacity: (opacity) => this.#update({ opacity }),
    setSplit: (split) => this.#update({ split }),
    point: (at, say = false) => void this.#point(at, say),
    save: (kind) => void this.#save(kind),
  };

  #update(change: Partial<State>): void {
    if (this.#ended.signal.aborted) return;
    this.#state = { ...this.#state, ...change };
    this.#render();
  }

  #render(): void {
    render(view(this.#state, this.#actions), this.#root);
  }

  #fail(error: unknown): void {
    if (!this.#ended.signal.aborted) this.#context.fail(error);
  }

  /** Says what has happened, for everybody. */
  #tell(message: string): void {
    this.#update({ message });
    this.#context.announce(message);
  }

  #canvas = (name: 'base' | 'gray' | 'overlay') =>
    this.#root.querySelector<HTMLCanvasElement>(`canvas.${name}`)!;

  /** Another model, backend or way of tiling. */
  #choose(change: Partial<Pick<State, 'model' | 'choice' | 'tile' | 'description'>>): void {
    this.#update(change);
    const { description } = this.#state;
    // a network of one size sees the whole picture in any case
    if (description?.input.kind === 'picture' && description.input.size) this.#update({ tile: false });
    this.#context.setParameters(writeAddress(this.#state));
    // a camera takes it up with its next frame
    if (!this.#camera) void this.#run();
  }

  async #openSample(sample: Sample): Promise<void> {
    const { signal } = this.#ended;
    try {
      const [file, mask] = await Promise.all(
        [sample.url, sample.mask].map((url) => url && fetchSample(url, signal)),
      );
      await this.#open(file!, sample.name, sample, mask);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Shows a picture and segments it. If it cannot be decoded, the one before stays. */
  async #open(file: Blob, name: string, sample?: Sample, mask?: Blob): Promise<void> {
    const id = ++this.#ids;
    try {
      const opened = await this.#pictures.api.open(id, file, name, mask);
      if (this.#ended.signal.aborted || id !== this.#ids) {
        void this.#pictures.api.release(id);
        return;
      }
      this.#stopCamera();
      this.#source = file;
      const { width, height } = opened;
      this.#show({ id, name, width, height, sample }, opened.shown);
      await this.#run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #show(picture: ShownPicture, shown: ImageBitmap): void {
    const before = this.#state.picture;
    if (before && before.id !== picture.id) void this.#pictures.api.release(before.id);
    this.#update({ picture, result: undefined, cursor: undefined, base: 'colour' });
    showBitmap(this.#canvas('base'), shown);
    showBitmap(this.#canvas('gray'), null);
    showBitmap(this.#canvas('overlay'), null);
  }

  /** Segments the picture that is shown; a run in progress is cancelled. */
  async #run(): Promise<void> {
    this.#running?.abort();
    const { picture } = this.#state;
    const source = this.#source;
    if (!picture || !source) return;
    const own = new AbortController();
    this.#running = own;
    try {
      const { result, milliseconds } = await this.#segment(source, picture, own);
      const { name, info } = result.backend;
      const mode = info.mode ? ` (${info.mode})` : '';
      if (this.#running === own) {
        this.#update({ work: undefined });
        this.#tell(`Done in ${(milliseconds / 1000).toFixed(2)} s on ${name}${mode}`);
      }
    } catch (error) {
      if (this.#running !== own) return;
      this.#update({ work: undefined });
      this.#stopped(error, own.signal);
    }
  }

  #stopped(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) {
      this.#tell('Cancelled');
      return;
    }
    // of a worker that has died there is nothing left
    if (error instanceof ExecutionError) this.#network.forget();
    this.#update({ message: 'Failed' });
    this.#fail(error);
  }

  /** One picture or frame through the network, shown. */
  async #segment(
    source: Blob | ImageBitmap,
    picture: ShownPicture,
    own: AbortController,
    show = (_painted: ImageBitmap): void => undefined,
  ): Promise<{ readonly result: Summary; readonly milliseconds: number }> {
    const { signal } = own;
    const { model, choice, tile } = this.#state;
    const stopwatch = new Stopwatch((work) => {
      // what another run has overtaken says nothing any more
      if (this.#running === own && !signal.aborted) this.#update({ work });
    });
    const onProgress = (progress: LoadProgress | SegmentProgress) => stopwatch.progress(progress);
    const network = await this.#network.get(model, choice, { signal, onProgress });
    if (this.#running === own) this.#update({ description: network.description });
    const started = performance.now();
    const segmentation = await network.segment(source, { signal, onProgress, tile, transfer: true });
    const milliseconds = performance.now() - started;
    const result = await this.#label(picture, segmentation, own, show);
    return { result, milliseconds };
  }

  async #label(
    picture: ShownPicture,
    segmentation: Segmentation,
    own: AbortController,
    show: (painted: ImageBitmap) => void,
  ): Promise<Summary> {
    const { labels, confidence, image, classes, ...rest } = segmentation;
    const painted = await this.#pictures.api.label(
      picture.id,
      transfer({ labels, confidence, image, classes }, [labels.buffer, confidence.buffer, image.data.buffer]),
      // a reference of water says nothing of other networks
      picture.sample?.model === this.#state.model.name,
    );
    own.signal.throwIfAborted();
    const { shares, stages, steps, macs, memory, backend } = rest;
    const result = { classes, shares, stages, steps, macs, memory, backend, scores: painted.scores };
    show(painted.shown);
    showBitmap(this.#canvas('overlay'), painted.shown);
    this.#update({ result });
    const { cursor } = this.#state;
    if (cursor) void this.#point(cursor, false);
    return result;
  }

  /** Segments what the camera sees, frame by frame, until it is stopped. */
  async #film(): Promise<void> {
    this.#stopCamera();
    this.#running?.abort();
    const own = new AbortController();
    this.#running = own;
    const camera: { readonly ended: AbortController; webcam?: Webcam } = { ended: own };
    this.#camera = camera;
    this.#source = undefined;
    this.#update({ camera: 'starting', work: undefined, message: '' });
    try {
      const webcam = await openWebcam(own.signal, (why) => this.#waits(why));
      camera.webcam = webcam;
      this.#tell('The camera is on');
      const id = ++this.#ids;
      for (let last = performance.now(); ; ) {
        const frame = await webcam.frame();
        const copy = await createImageBitmap(frame);
        const { width, height, shown } = await this.#pictures.api.frame(id, transfer(frame, [frame]));
        own.signal.throwIfAborted();
        const picture = { id, name: 'camera', width, height };
        if (this.#state.picture?.id !== id) {
          this.#show(picture, await createImageBitmap(shown));
        }
        // a frame appears together with what was found on it
        await this.#segment(copy, picture, own, () => showBitmap(this.#canvas('base'), shown));
        const now = performance.now();
        this.#update({ rate: 1000 / (now - last) });
        last = now;
      }
    } catch (error) {
      if (this.#camera !== camera) return;
      this.#camera = undefined;
      own.abort();
      this.#update({ camera: undefined, rate: undefined, work: undefined, message: '' });
      this.#fail(error);
    }
  }

  #waits(why: 'hidden' | 'paused' | undefined): void {
    const camera = why ?? 'on';
    if (!this.#camera || this.#state.camera === camera) return;
    this.#update({ camera, ...(why && { work: undefined, rate: undefined }) });
  }

  #stopCamera(): void {
    const camera = this.#camera;
    if (!camera) return;
    this.#camera = undefined;
    camera.ended.abort();
    this.#update({ camera: undefined, rate: undefined, work: undefined });
    this.#tell('The camera is off');
  }

  async #setBase(base: State['base']): Promise<void> {
    const { picture } = this.#state;
    this.#update({ base });
    if (base === 'colour' || !picture) return;
    try {
      const gray = await this.#pictures.api.luminance(picture.id);
      if (this.#state.picture === picture) showBitmap(this.#canvas('gray'), gray);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #point(at: { readonly x: number; readonly y: number } | undefined, say: boolean): Promise<void> {
    const own = ++this.#asked;
    const { picture, cursor, result } = this.#state;
    if (!at || !picture) {
      if (cursor) this.#update({ cursor: undefined });
      return;
    }
    const { x, y } = at;
    this.#update({ cursor: { x, y, found: undefined } });
    const found = result && (await this.#pictures.api.at(picture.id, x, y));
    // the pointer has moved on
    if (own !== this.#asked || !found) return;
    this.#update({ cursor: { x, y, found } });
    if (!say) return;
    const { name } = result.classes[found.label]!;
    this.#context.announce(`${name}, ${Math.round(found.confidence * 100)} percent; column ${x}, row ${y}`);
  }

  async #save(kind: 'mask' | 'overlay'): Promise<void> {
    const { picture, opacity } = this.#state;
    if (!picture) return;
    try {
      const blob = await this.#pictures.api.save(picture.id, kind, opacity / 100);
      const name = `${picture.name.replace(/\.\w+$/, '')}-${kind}.png`;
      saveFile(blob, name);
      this.#tell(`${name} saved`);
    } catch (error) {
      this.#fail(error);
    }
  }
}
