/** The WebGL2 contexts that are opened, and what they hold, seen from outside the package. */

export interface Counted {
  readonly gl: WebGL2RenderingContext;
  /** Objects made and not deleted, by kind. */
  readonly alive: Record<string, number>;
}

const kinds = ['Texture', 'Buffer', 'Framebuffer', 'Program', 'Shader'] as const;

/** Counts objects of the next contexts until the returned function is called. */
export function watchContexts(): { readonly contexts: Counted[]; stop(): void } {
  const contexts: Counted[] = [];
  const original = OffscreenCanvas.prototype.getContext;
  OffscreenCanvas.prototype.getContext = function (
    this: OffscreenCanvas,
    ...args: Parameters<typeof original>
  ) {
    const context = original.apply(this, args);
    if (context instanceof WebGL2RenderingContext) contexts.push(count(context));
    return context;
  } as typeof original;
  return {
    contexts,
    stop() {
      OffscreenCanvas.prototype.getContext = original;
    },
  };
}

function count(gl: WebGL2RenderingContext): Counted {
  const alive: Record<string, number> = {};
  const methods = gl as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const kind of kinds) {
    alive[kind] = 0;
    const create = methods[`create${kind}`]!.bind(gl);
    const remove = methods[`delete${kind}`]!.bind(gl);
    methods[`create${kind}`] = (...args) => {
      alive[kind]!++;
      return create(...args);
    };
    methods[`delete${kind}`] = (...args) => {
      if (args[0]) alive[kind]!--;
      return remove(...args);
    };
  }
  return { gl, alive };
}
