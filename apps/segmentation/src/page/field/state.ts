import type { Layer } from '@atrous/rf';
import type { Point, Side } from './address.js';
import type { Analysis, FigureKind, Reach, Schedule } from './analysis.js';
import type { OpenedPicture } from './picture.js';
import { type Path, readStack, withoutCentredPadding } from './stack.js';
import type { Suggestions } from './suggestions.js';

/** One schedule with what is known about it. */
export interface Pane {
  readonly schedule: Schedule;
  /** The layers as they are edited: without padding that keeps the middle in the middle. */
  readonly layers: readonly Layer[];
  /** A notation that was typed and cannot be read, and why. */
  readonly draft?: { readonly text: string; readonly problem: string } | undefined;
  /** Places of the branches that are unfolded. */
  readonly open: ReadonlySet<string>;
  readonly busy: boolean;
  readonly analysis?: Analysis | undefined;
  /** Why there is no analysis. */
  readonly failure?: string | undefined;
  readonly suggestions?: Suggestions | undefined;
  readonly reach?: Reach | undefined;
  readonly reachFailure?: string | undefined;
}

export interface State {
  readonly panes: { readonly a: Pane; readonly b?: Pane | undefined };
  readonly picture?: OpenedPicture | undefined;
  readonly point?: Point | undefined;
  readonly showNeighbour: boolean;
  /** The link to what is shown. */
  readonly link: string;
}

/** What people can do in this view. */
export interface Actions {
  setLayers(side: Side, layers: readonly Layer[], said?: string): void;
  toggle(side: Side, place: string, open: boolean): void;
  move(side: Side, path: Path, by: -1 | 1): void;
  setNotation(side: Side, text: string): void;
  setSchedule(side: Side, schedule: Schedule): void;
  compare(schedule?: Schedule): void;
  closeComparison(): void;
  setPoint(point: Point): void;
  setShowNeighbour(show: boolean): void;
  openPicture(file: Blob, name: string): void;
  save(kind: FigureKind, sides: readonly Side[]): void;
  copyLink(): void;
}

/** A pane that nothing is known about yet. The schedule is readable. */
export const paneOf = (schedule: Schedule): Pane => ({
  schedule,
  layers: readStack(schedule.layers, schedule.axes).map(withoutCentredPadding),
  open: new Set(),
  busy: true,
});
