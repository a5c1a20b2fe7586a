/** WebGL2 contexts; without gpu.js, so that asking for the modes does not load it. */
import { UnsupportedError } from '@atrous/core';
import { isSoftware } from './software.js';

export interface Context {
  readonly gl: WebGL2RenderingContext;
  readonly canvas: EventTarget;
  readonly renderer: string;
  readonly software: boolean;
}

/**
 * A WebGL2 context of its own.
 *
 * @throws UnsupportedError saying what is missing
 */
export function openContext(): Context {
  const canvas = makeCanvas();
  const options = { alpha: false, depth: false, antialias: false };
  const gl = canvas?.getContext('webgl2', options) as WebGL2RenderingContext | null | undefined;
  if (!canvas || !gl)
    throw unavailable(
      canvas ? 'no WebGL2 context can be had' : 'there is no canvas (WebGL2 needs a browser)',
    );
  if (!gl.getExtension('EXT_color_buffer_float')) {
    gl.getExtension('WEBGL_lose_context')?.loseContext();
    throw unavailable('EXT_color_buffer_float is missing, so that results could not be float32');
  }
  const details = gl.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(gl.getParameter(details?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  return { gl, canvas, renderer, software: isSoftware(renderer) };
}

const unavailable = (reason: string) =>
  new UnsupportedError(`gpu: mode 'webgl2' is not available: ${reason}`, { mode: 'webgl2', reason });

function makeCanvas(): OffscreenCanvas | HTMLCanvasElement | undefined {
  if (typeof OffscreenCanvas === 'function') return new OffscreenCanvas(1, 1);
  return typeof document === 'undefined' ? undefined : document.createElement('canvas');
}
