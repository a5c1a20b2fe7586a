import type { BackendChoice, BackendInfo, BackendReport, StageTime, StepTime } from '@atrous/segment';
import type { ModelDescription, SegmentationClass } from '@atrous/segment/models';
import type { Scores } from '../../scores.js';
import type { ModelChoice } from './models.js';
import type { PixelReport, SavedKind } from './picture-worker.js';
import type { Sample } from './samples.js';

export interface ShownPicture {
  readonly id: number;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly sample?: Sample | undefined;
}

/** What a run says of the whole picture; its pixels are in the picture worker. */
export interface Summary {
  readonly classes: readonly SegmentationClass[];
  readonly shares: readonly number[];
  readonly scores?: Scores | undefined;
  readonly stages: readonly StageTime[];
  readonly steps: readonly StepTime[];
  readonly macs: number;
  readonly memory: number;
  readonly backend: BackendInfo;
}

/** What runs now. */
export interface Work {
  readonly stage: string;
  /** Undefined: no telling how long. */
  readonly fraction?: number | undefined;
  /** The layer or tile that has just ended. */
  readonly step?: string | undefined;
  /** Stages that are done. */
  readonly stages: readonly StageTime[];
}

export type Choice = 'auto' | BackendChoice;
/** Pixels per side of a tile; `true`: the largest that memory allows; `false`: the picture in one piece. */
export type Tile = number | boolean;

/** What the view shows, all of it. */
export interface State {
  readonly picture: ShownPicture | undefined;
  readonly model: ModelChoice;
  /** A file that was given stays on offer. */
  readonly fileModel: ModelChoice | undefined;
  readonly description: ModelDescription | undefined;
  readonly choice: Choice;
  /** Undefined while they are being tried. */
  readonly backends: readonly BackendReport[] | undefined;
  readonly tile: Tile;
  readonly work: Work | undefined;
  readonly result: Summary | undefined;
  /** What happened last. */
  readonly message: string;
  /** Undefined: off. */
  readonly camera: 'starting' | 'on' | 'paused' | 'hidden' | undefined;
  /** Frames that are segmented per second. */
  readonly rate: number | undefined;
  readonly base: 'colour' | 'luminance';
  /** Of the overlay, in percent. */
  readonly opacity: number;
  /** Where the overlay begins, in percent of the width; what is left of it shows the picture alone. */
  readonly split: number;
  readonly cursor: Cursor | undefined;
  /** A file is being dragged over the page. */
  readonly dragging: boolean;
}

/** A pixel that is pointed at. */
export interface Cursor {
  readonly x: number;
  readonly y: number;
  readonly found?: PixelReport | undefined;
}

export const initialState = {
  picture: undefined,
  fileModel: undefined,
  backends: undefined,
  work: undefined,
  result: undefined,
  message: '',
  camera: undefined,
  rate: undefined,
  base: 'colour',
  opacity: 55,
  split: 0,
  cursor: undefined,
  dragging: false,
} as const;

/** What a person can do. */
export interface Actions {
  open(file: File): void;
  openSample(sample: Sample): void;
  startCamera(): void;
  pauseCamera(paused: boolean): void;
  stopCamera(): void;
  setModel(model: ModelChoice): void;
  setChoice(choice: Choice): void;
  setTile(tile: Tile): void;
  run(): void;
  cancel(): void;
  setBase(base: State['base']): void;
  setOpacity(percent: number): void;
  setSplit(percent: number): void;
  /** Points at a pixel; `say` tells it to people who cannot see it. */
  point(at: { readonly x: number; readonly y: number } | undefined, say?: boolean): void;
  save(kind: SavedKind): void;
}
