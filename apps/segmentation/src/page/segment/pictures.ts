/** The page's side of the picture worker. */
import { type Remote, wrap } from 'comlink';
import type { PictureApi } from './picture-worker.js';

export interface Pictures {
  readonly api: Remote<PictureApi>;
  dispose(): void;
}

export function startPictures(onBroken: (error: Error) => void): Pictures {
  const worker = new Worker(new URL('./picture-worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('error', ({ message }) =>
    onBroken(
      new Error(`the worker for pictures failed: ${message || 'it could not be loaded'}; reload the page`),
    ),
  );
  return { api: wrap<PictureApi>(worker), dispose: () => worker.terminate() };
}

/** Shows a bitmap on a canvas, which takes it over; none clears it. */
export function showBitmap(canvas: HTMLCanvasElement, bitmap: ImageBitmap | null): void {
  if (bitmap) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext('bitmaprenderer')!.transferFromImageBitmap(bitmap);
}
