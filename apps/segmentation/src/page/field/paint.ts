import { type Side, sides } from './address.js';
import {
  commonScale,
  drawCells,
  drawMagnifier,
  drawOverview,
  drawProfile,
  type Palette,
  paletteOf,
} from './draw.js';
import type { State } from './state.js';

/** What each canvas shows; one that shows it already is not drawn again. */
const drawn = new WeakMap<HTMLCanvasElement, readonly unknown[]>();
let palette: Palette | undefined;

/** Draws what a state shows on the canvases of the view. */
export function paintCanvases(root: HTMLElement, { panes, picture, point }: State): void {
  palette ??= paletteOf(root);
  const colours = palette;
  const scale = commonScale(sides.map((side) => panes[side]?.analysis?.cells));
  const reaches = { a: panes.a.reach, b: panes.b?.reach };
  for (const canvas of root.querySelectorAll<HTMLCanvasElement>('canvas[data-draw]')) {
    const pane = panes[(canvas.dataset.side ?? 'a') as Side];
    const once = (inputs: readonly unknown[], draw: () => void) => {
      const before = drawn.get(canvas);
      const all = [colours, ...inputs];
      if (before && all.every((value, i) => value === before[i])) return;
      drawn.set(canvas, all);
      draw();
    };
    switch (canvas.dataset.draw) {
      case 'cells': {
        const cells = pane?.analysis?.cells;
        if (cells && scale)
          once([cells, scale.min, scale.max], () => drawCells(canvas, cells, scale, colours));
        break;
      }
      case 'profile': {
        const profile = pane?.analysis?.profile;
        if (profile) once([profile], () => drawProfile(canvas, profile, colours));
        break;
      }
      case 'overview':
        if (picture && point)
          once([picture, point, reaches.a, reaches.b], () =>
            drawOverview(canvas, picture, point, reaches, colours),
          );
        break;
      case 'magnifier': {
        const reach = pane?.reach;
        if (picture && point && reach)
          once([picture, point, reach], () => drawMagnifier(canvas, picture, reach, point));
      }
    }
  }
}

/** Calls back when the theme has changed: by the system, or by an attribute of the page's root. */
export function watchTheme(changed: () => void, signal: AbortSignal): void {
  const renew = () => {
    palette = undefined;
    changed();
  };
  // it may have changed while the view was not shown
  palette = undefined;
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', renew, { signal });
  const observer = new MutationObserver(renew);
  observer.observe(document.documentElement, { attributes: true });
  signal.addEventListener('abort', () => observer.disconnect());
}
