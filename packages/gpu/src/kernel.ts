/**
 * What generators make and devices run: source text over three-dimensional views of flat resident arrays, and the
 * launches that compute one node.
 */

/** Sizes of a three-dimensional view, outermost first: element `[z][y][x]` lies at `(z * height + y) * width + x`. */
export type View = readonly [depth: number, height: number, width: number];

/** A kernel in gpu.js's subset of JavaScript. Equal text over equal views is the same kernel. */
export interface Kernel {
  /** `function (arrays…, scalars…) { … return …; }` */
  readonly source: string;
  /** One thread per element. */
  readonly output: View;
  /** Values that a thread gives; they lie side by side. */
  readonly components: 1 | 4;
  /** How each array argument is seen. */
  readonly arrays: readonly View[];
  /** Number of scalar arguments, after the arrays. */
  readonly scalars: number;
  /** Where the result goes in a larger array of `count` elements; absent: into an array of its own. */
  readonly place?: { readonly start: number; readonly count: number };
}

/** Where an array argument comes from. */
export type Operand =
  /** `inputs[input]` of the node. */
  | { readonly input: number }
  /** The result of an earlier launch of the same node. */
  | { readonly launch: number }
  /** Values known when the graph is compiled, uploaded once per program. */
  | { readonly table: Float32Array };

export interface Launch {
  readonly kernel: Kernel;
  readonly operands: readonly Operand[];
  readonly scalars: readonly number[];
}

/** How one node is computed; the last launch gives its value. */
export interface Recipe {
  readonly algorithm: string;
  readonly launches: readonly Launch[];
  /** The node in whose array kernels with a `place` write. */
  readonly into?: number;
}

/** Array arguments that one kernel may have: WebGPU guarantees eight storage buffers, and one is the result. */
export const maxArrays = 7;

export const countOf = ([depth, height, width]: View): number => depth * height * width;

/** Elements of a kernel's result. */
export const resultCount = ({ output, components }: Pick<Kernel, 'output' | 'components'>): number =>
  components * countOf(output);

/** What two kernels have in common if and only if they are the same. */
export const signatureOf = ({ source, output, arrays, place }: Kernel): string =>
  `${output.join('x')}${place ? ` at ${place.start} of ${place.count}` : ''}(${arrays.map((view) => view.join('x')).join(', ')}) ${source}`;

export interface ArrayArgument {
  readonly name: string;
  readonly from: Operand;
  readonly view: View;
}

/** A launch from its parts; `scalars` are numbers by the name the body uses. */
export function launch(parts: {
  readonly output: View;
  readonly components?: 1 | 4;
  readonly arrays: readonly ArrayArgument[];
  readonly scalars?: Readonly<Record<string, number>>;
  readonly body: string;
}): Launch {
  const scalars = Object.entries(parts.scalars ?? {});
  const names = [...parts.arrays.map(({ name }) => name), ...scalars.map(([name]) => name)];
  return {
    kernel: {
      source: `function (${names.join(', ')}) {\n${parts.body}\n}`,
      output: parts.output,
      components: parts.components ?? 1,
      arrays: parts.arrays.map(({ view }) => view),
      scalars: scalars.length,
    },
    operands: parts.arrays.map(({ from }) => from),
    scalars: scalars.map(([, value]) => value),
  };
}
