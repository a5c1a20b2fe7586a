/** Float textures of a WebGL2 context: allocation, transfer in both directions, and what draws over them. */
import { MemoryError } from '@atrous/core';
import { gpujs } from './gpujs.js';

export type TextureSize = readonly [width: number, height: number];

/** The sides of the texture that gpu.js gives a result of so many elements. */
export function textureSize(count: number): TextureSize {
  const [width, height] = gpujs.utils.closestSquareDimensions(count);
  return [width!, height!];
}

/**
 * A texture of one float per element, whose values are undefined.
 *
 * @throws MemoryError if the device has no more
 */
export function allocateTexture(gl: WebGL2RenderingContext, bytes: number): WebGLTexture {
  const [width, height] = textureSize(bytes / 4);
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R32F, width, height);
  for (const [name, value] of [
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_MIN_FILTER, gl.NEAREST],
    [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
  ] as const)
    gl.texParameteri(gl.TEXTURE_2D, name, value);
  if (gl.getError() === gl.OUT_OF_MEMORY) {
    gl.deleteTexture(texture);
    throw new MemoryError(
      `gpu (webgl2): the device has no ${bytes} bytes left for a texture of ${width}×${height}; work on tiles or dispose programs`,
      { bytes },
    );
  }
  return texture;
}

/** Writes values into the first elements of a texture. */
export function writeTexture(
  gl: WebGL2RenderingContext,
  texture: WebGLTexture,
  [width]: TextureSize,
  values: ArrayLike<number>,
  count: number,
): void {
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  const rows = Math.floor(count / width);
  const rest = count - rows * width;
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
  const write = (y: number, columns: number, lines: number, part: Float32Array) =>
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, y, columns, lines, gl.RED, gl.FLOAT, part);
  if (rows > 0) write(0, width, rows, floats.subarray(0, rows * width));
  if (rest > 0) write(rows, rest, 1, floats.subarray(rows * width, count));
}

/**
 * Reads a texture without blocking the thread.
 *
 * @returns one float per element; undefined if the context is lost meanwhile
 */
export async function readTexture(
  gl: WebGL2RenderingContext,
  texture: WebGLTexture,
  [width, height]: TextureSize,
): Promise<Float32Array | undefined> {
  const framebuffer = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  // Only RGBA is sure to be readable; most drivers read one channel as well, a quarter of the bytes.
  const single =
    gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_FORMAT) === gl.RED &&
    gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_TYPE) === gl.FLOAT;
  const floats = new Float32Array(width * height * (single ? 1 : 4));
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
  gl.bufferData(gl.PIXEL_PACK_BUFFER, floats.byteLength, gl.STREAM_READ);
  gl.readPixels(0, 0, width, height, single ? gl.RED : gl.RGBA, gl.FLOAT, 0);
  gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
  gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  gl.deleteFramebuffer(framebuffer);
  try {
    if (!(await commandsDone(gl))) return undefined;
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
    gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, floats);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
  } finally {
    gl.deleteBuffer(buffer);
  }
  // Where the context is lost, reads succeed and give zeros.
  if (gl.isContextLost()) return undefined;
  return single ? floats : floats.filter((_, i) => i % 4 === 0);
}

/** Waits until the device has executed everything so far; false if the context is lost. */
async function commandsDone(gl: WebGL2RenderingContext): Promise<boolean> {
  const sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
  gl.flush();
  if (sync === null) return false;
  const { port1, port2 } = new MessageChannel();
  try {
    for (;;) {
      if (gl.isContextLost()) return false;
      const status = gl.clientWaitSync(sync, 0, 0);
      if (status === gl.ALREADY_SIGNALED || status === gl.CONDITION_SATISFIED) return true;
      if (status === gl.WAIT_FAILED) return false;
      // A message, because timers in a row are slowed down to 4 ms each.
      await new Promise((resolve) => {
        port1.onmessage = resolve;
        port2.postMessage(null);
      });
    }
  } finally {
    gl.deleteSync(sync);
    port1.close();
  }
}

/** The rectangle that kernels draw. gpu.js points the context's attributes at buffers of kernels, which may be gone. */
export function makeQuad(gl: WebGL2RenderingContext): {
  bind(position: number, textureCoordinate: number): void;
  destroy(): void;
} {
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  const corners = new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1]);
  gl.bufferData(gl.ARRAY_BUFFER, corners, gl.STATIC_DRAW);
  const point = (location: number, offset: number) => {
    // A shader that does not use an attribute has none.
    if (location < 0) return;
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, 2, gl.FLOAT, false, 0, offset);
  };
  return {
    bind(position, textureCoordinate) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      point(position, 0);
      point(textureCoordinate, 32);
    },
    destroy: () => gl.deleteBuffer(buffer),
  };
}
