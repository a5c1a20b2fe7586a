import { UnsupportedError } from '@atrous/core';
import type { BuiltKernel, Device, Resident } from '../device.js';
import { countOf, type Kernel, resultCount, type View } from '../kernel.js';
import { Loss } from '../loss.js';
import { openContext } from './context.js';
import {
  buildKernel,
  createKernel,
  excerpt,
  type GpuJs,
  type GpuJsCallable,
  type GpuJsKernel,
  gpujs,
  replaceOnce,
  sizesOf,
  swapYZ,
} from './gpujs.js';
import { Pool } from './pool.js';
import { allocateTexture, makeQuad, readTexture, textureSize, writeTexture } from './textures.js';

/** gpu.js counts references on the texture itself; here every texture has exactly one, ours. */
type CountedTexture = WebGLTexture & { _refs?: number };

/** gpu.js's texture, as a kernel argument. */
interface GpuJsTexture {
  texture: CountedTexture;
}

interface WebGL2Kernel extends GpuJsKernel {
  readonly texture: GpuJsTexture;
  readonly TextureConstructor: new (settings: object) => GpuJsTexture;
  readonly program: WebGLProgram;
  readonly framebuffer: WebGLFramebuffer;
  texSize: ArrayLike<number>;
  maxTexSize: readonly [number, number];
  readonly textureCache: WebGLTexture[];
  /** Attaches `texture` to the framebuffer at the next run. */
  _textureSwitched: boolean;
  getFragmentShader(args: unknown): string;
}

interface TextureArray extends Resident {
  readonly texture: CountedTexture;
  /** The texture as an argument, per view. */
  readonly seen: Map<string, GpuJsTexture>;
}

interface TextureKernel extends BuiltKernel {
  readonly callable: GpuJsCallable<WebGL2Kernel>;
  readonly position: number;
  readonly textureCoordinate: number;
}

const texelBytes = 4;

const bytesOf = (count: number): number => {
  const [width, height] = textureSize(count);
  return texelBytes * width * height;
};

/**
 * gpu.js's WebGL2 mode. Kernels are gpu.js's; textures are ours, all in one layout (rows of a nearly square texture), so
 * that any of them can be the result of any kernel of that size, and none lives longer than it is needed.
 *
 * @throws UnsupportedError saying what is missing
 */
export async function openWebgl2(): Promise<Device<TextureArray, TextureKernel>> {
  const { gl, canvas, renderer, software } = openContext();
  const loss = new Loss();
  const onLost = () => loss.lose('the WebGL context was lost');
  canvas.addEventListener('webglcontextlost', onLost);
  // gpu.js resizes its canvas to its largest result; nothing is ever drawn there, so it gets a stand-in.
  const instance = new gpujs.GPU({ canvas: { width: 1, height: 1 }, context: gl });
  const maxSide = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
  const quad = makeQuad(gl);
  const kernels = new Set<TextureKernel>();
  const pool = new Pool<CountedTexture>(
    (bytes) => allocateTexture(gl, bytes),
    (texture) => gl.deleteTexture(texture),
  );
  const makeArgument = await argumentMaker(instance, gl);
  const example: CountedTexture = allocateTexture(gl, bytesOf(1));

  const check = () => {
    if (gl.isContextLost()) onLost();
    loss.check('webgl2');
  };
  const take = (count: number): TextureArray => ({
    texture: pool.take(bytesOf(count)),
    count,
    seen: new Map(),
  });
  const argument = (array: TextureArray, view: View): GpuJsTexture => {
    const key = view.join('x');
    let seen = array.seen.get(key);
    if (seen === undefined) {
      seen = makeArgument(array.texture, view);
      array.seen.set(key, seen);
    }
    return seen;
  };

  return {
    mode: 'webgl2',
    info: { adapter: renderer, software },
    // Nearly square textures of more elements could be wider than they may be. Textures of four values per element would
    // fit no other kernel.
    limits: { maxElements: (maxSide - 2) ** 2, kernelProblem: () => undefined, quads: false },
    pooled: true,
    lost: loss.promise,
    bytesOf,
    bytesOfKernels: () => 0,
    upload(values, count) {
      check();
      const array = take(count);
      writeTexture(gl, array.texture, textureSize(count), values, count);
      return array;
    },
    allocate(count) {
      check();
      return take(count);
    },
    async build(kernel) {
      check();
      const { source, output } = withoutFlatPictures(kernel);
      const callable = createKernel<WebGL2Kernel>(instance, source, output);
      if (kernel.place) writePart(callable.kernel, kernel, kernel.place);
      // Only the sizes of arguments matter now: one texture stands for all.
      const args = [
        ...kernel.arrays.map((view) => makeArgument(example, view)),
        ...new Array<number>(kernel.scalars).fill(0),
      ];
      try {
        await buildKernel('webgl2', callable, gpujs.WebGL2Kernel, kernel, args);
      } finally {
        check();
      }
      checkSize(callable.kernel, kernel);
      if (kernel.place) {
        // What gpu.js draws over: all of the texture, so that the viewport chooses the rows.
        callable.kernel.texSize = textureSize(kernel.place.count);
        callable.kernel.maxTexSize = textureSize(kernel.place.count);
      }
      // The texture that the kernel made for itself goes; each run gets one of ours.
      callable.kernel.textureCache.length = 0;
      gl.deleteTexture(callable.kernel.texture.texture);
      detachResult(gl, callable.kernel);
      const built = {
        callable,
        kernel,
        position: gl.getAttribLocation(callable.kernel.program, 'aPos'),
        textureCoordinate: gl.getAttribLocation(callable.kernel.program, 'aTexCoord'),
      };
      kernels.add(built);
      return built;
    },
    run({ callable, kernel, position, textureCoordinate }, arrays, scalars, into) {
      check();
      const result = into ?? take(resultCount(kernel));
      const target = callable.kernel;
      target.texture.texture = result.texture;
      target._textureSwitched = true;
      quad.bind(position, textureCoordinate);
      const [firstRow, rows] = rowsOf(kernel) ?? [0, target.maxTexSize[1]];
      gl.viewport(0, firstRow, target.maxTexSize[0], rows);
      callable(...arrays.map((array, i) => argument(array, kernel.arrays[i]!)), ...scalars);
      if (target !== callable.kernel)
        throw new UnsupportedError('gpu (webgl2): gpu.js exchanged a kernel while it ran', {
          kernel: excerpt(kernel),
        });
      detachResult(gl, target);
      return result;
    },
    async read(array, count) {
      check();
      const floats = await readTexture(gl, array.texture, textureSize(array.count));
      if (floats === undefined) onLost();
      check();
      return floats!.subarray(0, count);
    },
    release: ({ texture, count }) => pool.give(texture, bytesOf(count)),
    trim: () => pool.trim(),
    destroyKernel(kernel) {
      if (!kernels.delete(kernel) || loss.reason !== undefined) return;
      destroyKernel(gl, kernel.callable.kernel);
    },
    holdings: () => ({ arrays: pool.arrays, bytes: pool.bytes, kernels: kernels.size }),
    async dispose() {
      canvas.removeEventListener('webglcontextlost', onLost);
      if (loss.reason === undefined) for (const { callable } of kernels) destroyKernel(gl, callable.kernel);
      kernels.clear();
      quad.destroy();
      // Frees every texture; without it, browsers keep the context until it is collected.
      gl.getExtension('WEBGL_lose_context')?.loseContext();
    },
  };
}

/** Wraps textures as arguments of kernels; gpu.js tells the class by a kernel's result. */
async function argumentMaker(
  instance: GpuJs,
  gl: WebGL2RenderingContext,
): Promise<(texture: CountedTexture, view: View) => GpuJsTexture> {
  const constant: Kernel = {
    source: 'function () {\nreturn 0;\n}',
    output: [1, 1, 1],
    components: 1,
    arrays: [],
    scalars: 0,
  };
  const callable = createKernel<WebGL2Kernel>(instance, constant.source, constant.output);
  await buildKernel('webgl2', callable, gpujs.WebGL2Kernel, constant, []);
  const { kernel } = callable;
  const { TextureConstructor } = kernel;
  return (texture, view) => {
    const sizes = sizesOf(view);
    const made = new TextureConstructor({
      texture,
      size: textureSize(countOf(view)),
      dimensions: sizes,
      output: sizes,
      context: gl,
      kernel,
      internalFormat: gl.R32F,
      textureFormat: gl.RED,
    });
    texture._refs = 1;
    return made;
  };
}

/**
 * gpu.js gives results of depth 1 a texture of just their width and height, which may be too wide, and which no other
 * result could share: such a result is turned to height 1.
 */
export function withoutFlatPictures({ source, output }: Kernel): { source: string; output: View } {
  const [depth, height, width] = output;
  if (depth > 1 || height === 1) return { source, output };
  return { source: swapYZ(source), output: [height, 1, width] };
}

/** gpu.js chooses the sides of a result's texture; ours must be the same. */
function checkSize({ texSize }: WebGL2Kernel, kernel: Kernel): void {
  const [width, height] = textureSize(resultCount(kernel));
  if (texSize[0] !== width || texSize[1] !== height)
    throw new UnsupportedError(
      `gpu (webgl2): gpu.js would write a texture of ${texSize[0]}×${texSize[1]}, not ${width}×${height}`,
      { kernel: excerpt(kernel) },
    );
}

/** The rows of a larger texture that a part lies in. */
function rowsOf({ place, ...kernel }: Kernel): readonly [first: number, rows: number] | undefined {
  if (place === undefined) return undefined;
  const [width] = textureSize(place.count);
  const first = Math.floor(place.start / width);
  return [first, Math.ceil((place.start + resultCount(kernel)) / width) - first];
}

/** Makes a kernel write a part of a larger texture; what else lies in the first and the last row stays. */
function writePart(
  target: WebGL2Kernel,
  kernel: Kernel,
  { start, count }: NonNullable<Kernel['place']>,
): void {
  const [width] = textureSize(count);
  const assemble = target.getFragmentShader.bind(target);
  target.getFragmentShader = (args) =>
    replaceOnce(
      assemble(args),
      /(index = int\(vTexCoord\.s .*);\n/,
      () =>
        `index = int(gl_FragCoord.x) + int(gl_FragCoord.y) * ${width} - ${start};\n  if (index < 0 || index >= ${resultCount(kernel)}) discard;\n`,
    );
}

/** An attached texture would live on after it is deleted. */
function detachResult(gl: WebGL2RenderingContext, { framebuffer }: WebGL2Kernel): void {
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, null, 0);
}

/** gpu.js deletes the texture that a kernel wrote last, which is ours: it gets an empty one instead. */
function destroyKernel(gl: WebGL2RenderingContext, kernel: WebGL2Kernel): void {
  kernel.texture.texture = gl.createTexture();
  kernel.destroy();
}
