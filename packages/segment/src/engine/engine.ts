import {
  type Backend,
  type Compiled,
  compile,
  DisposedError,
  input,
  MemoryError,
  OptionError,
  type Tensor,
  tensor,
} from '@atrous/core';
import { Queue } from '@atrous/core/backend';
import type { Model } from '@atrous/core/model';
import type { BackendChoice, BackendInfo } from '../backends.js';
import { channelsOf, type ModelDescription, networkOf, type Picture, pictureInput } from '../models/index.js';
import type { PictureMessage } from '../picture/message.js';
import { readPicture } from '../picture/read.js';
import type { Segmentation, SegmentProgress, StageTime, StepTime } from '../types.js';
import { chooseBackend, type Task } from './choose.js';
import { label, labelTarget } from './label.js';
import { paint, sharesOf } from './paint.js';
import { prepareResized } from './resample.js';

/** What the engine gives: a segmentation whose image is bytes, and without what the caller knows already. */
export interface EngineResult extends Omit<Segmentation, 'image' | 'classes'> {
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** What a picture is to be segmented with, as it travels. */
export interface EngineOptions {
  readonly logits: boolean;
  readonly tile: number | boolean;
}

export interface EngineEvents {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SegmentProgress) => void) | undefined;
}

export interface EngineSettings {
  readonly maxMemory?: number | undefined;
  /** How backends are started; tests put others here. */
  readonly choose?: (choice: 'auto' | BackendChoice, task: Task) => Promise<Backend>;
}

/** A backend that has not lost its device. */
interface Running {
  readonly choice: 'auto' | BackendChoice;
  readonly backend: Backend;
  lost: string | undefined;
  network?: Network | undefined;
}

/** The network, compiled for a size. */
interface Network {
  readonly height: number;
  readonly width: number;
  readonly compiled: Compiled<Tensor, Tensor>;
  /** Written again by every run. */
  readonly logits: Float32Array;
}

type Timed = <T>(stage: SegmentProgress['stage'], work: () => T | Promise<T>) => Promise<T>;

/** Network and backend in this thread. Pictures are segmented one after the other. */
export class Engine {
  readonly description: ModelDescription;
  readonly #model: Model;
  readonly #network: (x: Tensor) => Tensor;
  readonly #maxMemory: number | undefined;
  readonly #choose: NonNullable<EngineSettings['choose']>;
  readonly #queue = new Queue();
  #running: Running | undefined;
  #disposed = false;

  /** @throws OptionError for a network that takes volumes, or has no such input or output */
  constructor(model: Model, description: ModelDescription, settings: EngineSettings = {}) {
    pictureInput(description);
    this.description = description;
    this.#model = model;
    this.#network = networkOf(model, description);
    this.#maxMemory = settings.maxMemory;
    this.#choose = settings.choose ?? chooseBackend;
  }

  /** What runs; there is something once `use` has started it. */
  get backend(): BackendInfo | undefined {
    return this.#running && infoOf(this.#running);
  }

  /** Starts a backend and frees the one before; if it cannot start, that one stays. */
  use(choice: 'auto' | BackendChoice, signal?: AbortSignal): Promise<BackendInfo> {
    return this.#queue.add(async () => infoOf(await this.#start(choice, signal)));
  }

  /** Segments a picture when those before it are done. */
  segment(picture: PictureMessage, options: EngineOptions, events: EngineEvents = {}): Promise<EngineResult> {
    events.onProgress?.({ stage: 'wait' });
    return this.#queue.add(() => this.#segment(picture, options, events));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#queue.idle();
    await this.#running?.backend.dispose();
    this.#running = undefined;
  }

  async #segment(
    message: PictureMessage,
    { logits: withLogits, tile }: EngineOptions,
    { signal, onProgress }: EngineEvents,
  ): Promise<EngineResult> {
    const stages: StageTime[] = [];
    const timed: Timed = async (stage, work) => {
      signal?.throwIfAborted();
      onProgress?.({ stage });
      const start = performance.now();
      const value = await work();
      stages.push({ name: stage, milliseconds: performance.now() - start });
      return value;
    };
    const picture = await timed('decode', () => readPicture(message, signal));
    this.#check(picture, tile);
    const running =
      this.#usable ??
      (await timed('start backend', () => this.#start(this.#running?.choice ?? 'auto', signal)));
    const { classes } = this.description;
    const target = labelTarget(picture, classes.length, withLogits);
    const events = { signal, onProgress };
    const work =
      tile === false
        ? this.#whole(running, picture, target, timed, events)
        : import('./tiles.js').then(({ labelInTiles }) =>
            timed('run', () =>
              labelInTiles(this.#model, this.description, picture, target, {
                ...events,
                backend: running.backend,
                tile: tile === true ? undefined : tile,
                maxMemory: this.#maxMemory,
              }),
            ),
          );
    const { steps, macs, memory } = await work.catch((error) => {
      throw running.lost === undefined || signal?.aborted ? error : lostError(running.lost);
    });
    const pixels = paint(target.labels, classes);
    const { width, height, labels, confidence, logits } = target;
    const shares = sharesOf(labels, classes.length);
    const backend = infoOf(running);
    return {
      width,
      height,
      labels,
      confidence,
      logits,
      pixels,
      shares,
      stages,
      steps,
      macs,
      memory,
      backend,
    };
  }

  /** @throws OptionError, MemoryError */
  #check({ width, height }: Picture, tile: number | boolean): void {
    const { minimum = 1, size } = pictureInput(this.description);
    if (size === undefined && Math.min(width, height) < minimum)
      throw new OptionError(
        `the picture is ${width}×${height} pixels; the network needs at least ${minimum}×${minimum}`,
        { width, height, minimum },
      );
    if (tile !== false && size !== undefined)
      throw new OptionError(
        `tile: ${this.description.name} sees every picture at ${size[1]}×${size[0]}, so there is nothing to cut; leave tile away`,
        { tile, size },
      );
  }

  /** The picture in one piece. */
  async #whole(
    running: Running,
    picture: Picture,
    target: ReturnType<typeof labelTarget>,
    timed: Timed,
    { signal, onProgress }: EngineEvents,
  ): Promise<Pick<EngineResult, 'steps' | 'macs' | 'memory'>> {
    const description = pictureInput(this.description);
    const { size = [picture.height, picture.width] } = description;
    const [height, width] = size;
    const x = await timed('prepare', () => prepareResized(picture, description, size));
    const known = running.network?.height === height && running.network.width === width;
    if (!known) await timed('compile', () => this.#compile(running, height, width, picture, signal));
    const { compiled, logits } = running.network!;
    const { program } = compiled;
    const macs = program.steps.reduce((sum, step) => sum + step.macs, 0);
    // steps without multiply-accumulates take time, too
    const part = (step: number) => program.steps[step]!.macs + macs / 200 + 1;
    const all = program.steps.reduce((sum, _, step) => sum + part(step), 0);
    let done = 0;
    const steps: StepTime[] = program.steps.map((step) => ({ ...step, milliseconds: 0 }));
    const map = await timed('run', () =>
      compiled.run(tensor(x, [1, channelsOf(description), height, width]), {
        signal,
        out: [logits],
        onStep(step, milliseconds) {
          done += part(step);
          steps[step] = { ...steps[step]!, milliseconds };
          onProgress?.({ stage: 'run', fraction: done / all, step: steps[step].name });
        },
      }),
    );
    const [, classes, h, w] = map.shape as [number, number, number, number];
    await timed('label', () =>
      label(
        { data: logits, classes, height: h, width: w },
        target,
        { top: 0, left: 0, height: picture.height, width: picture.width },
        signal,
        (fraction) => onProgress?.({ stage: 'label', fraction }),
      ),
    );
    return { steps, macs, memory: program.memory };
  }

  async #compile(
    running: Running,
    height: number,
    width: number,
    picture: Picture,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    running.network?.compiled.dispose();
    running.network = undefined;
    const shape = [1, channelsOf(pictureInput(this.description)), height, width];
    const compiled = await compile(this.#network, input(shape), {
      backend: running.backend,
      signal,
      maxMemory: this.#maxMemory,
    }).catch((error) => {
      throw error instanceof MemoryError ? tooLarge(picture, error) : error;
    });
    const { nodes, outputs } = compiled.graph;
    const count = nodes[outputs[0]!]!.shape.reduce((a, b) => a * b, 1);
    running.network = { height, width, compiled, logits: new Float32Array(count) };
  }

  /** The backend, unless its device is lost. */
  get #usable(): Running | undefined {
    return this.#running?.lost === undefined ? this.#running : undefined;
  }

  async #start(choice: 'auto' | BackendChoice, signal: AbortSignal | undefined): Promise<Running> {
    if (this.#disposed) throw new DisposedError('the segmenter was disposed', {});
    signal?.throwIfAborted();
    const { size, minimum = 1 } = pictureInput(this.description);
    const side = Math.max(minimum, 256);
    const backend = await this.#choose(choice, {
      network: this.#network,
      shape: [1, channelsOf(pictureInput(this.description)), ...(size ?? [side, side])],
      maxMemory: this.#maxMemory,
      signal,
    });
    const before = this.#running;
    const running: Running = { choice, backend, lost: undefined };
    this.#running = running;
    void backend.lost.then(({ reason }) => {
      running.lost = reason;
    });
    await before?.backend.dispose();
    return running;
  }
}

const infoOf = ({ backend: { name, info } }: Running): BackendInfo => ({ name, info: { ...info } });

const lostError = (reason: string): DisposedError =>
  new DisposedError(
    `the device was lost while the picture was segmented: ${reason}; segment it again, which starts the backend anew`,
    { reason },
  );

// the backend's own message is for developers
function tooLarge({ width, height }: Picture, { details }: MemoryError): MemoryError {
  const gigabytes = (bytes: unknown) => `${(Number(bytes) / 1e9).toPrecision(3)} GB`;
  return new MemoryError(
    `a picture of ${width}×${height} pixels takes ${gigabytes(details.bytes)} and ${gigabytes(details.maxMemory)} are allowed; make it smaller, or compute it in tiles (option tile)`,
    details,
  );
}
