import type { MountView } from './view-context.js';

export interface ViewEntry {
  /** What the address carries behind `#`. */
  readonly name: string;
  readonly title: string;
  /** Loads it, on demand. */
  load(): Promise<{ readonly mount: MountView }>;
}

/** The views of the page in the order of its navigation; the first is shown when the address names none. */
export const views: readonly ViewEntry[] = [
  { name: 'segment', title: 'Segment', load: () => import('./segment/index.js') },
  { name: 'field', title: 'Receptive field', load: () => import('./field/index.js') },
  { name: 'gridding', title: 'Gridding', load: () => import('./gridding/index.js') },
  { name: 'compare', title: 'Compare backends', load: () => import('./compare/index.js') },
];
