/**
 * The transforms around the products of Winograd convolution: tiles of the map to components, and back.
 *
 * Both work on 64 bytes of channels at a time. A pass along the rows' axis writes to a scratch of a few KiB that stays
 * in the first-level cache, a pass along the columns' axis reads it. Where the rows and columns of a tile lie is looked
 * up: dilation, phases and borders are tables.
 */
import { type FunctionWriter, i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';
import { coefficientsOf, emitLinear } from './linear.js';

type Matrix = readonly (readonly number[])[];

/** The matrices of the two axes of a tile; an axis without a transform has none. */
export interface TilePasses {
  readonly rows: Matrix | undefined;
  readonly columns: Matrix | undefined;
}

/** Bytes of channels that one turn works on: a cache line. */
const chunk = 64;

const resultsOf = (matrix: Matrix | undefined) => matrix?.length ?? 1;
const operandsOf = (matrix: Matrix | undefined) => (matrix ? matrix[0]!.length : 1);

/** Bytes of scratch that a call needs. */
export const scratchBytes = ({ rows, columns }: TilePasses): number =>
  resultsOf(rows) * operandsOf(columns) * chunk;

/**
 * Places and distances in bytes. `rows`, `columns`: where the rows, the same for all tiles, and the columns of each tile
 * lie, counted from `x`; negative for what is outside. `v`: the first component of the first tile; `component`, `tile`:
 * distances between components and between tiles. `bytes`: of channels, a multiple of 16. `zeros`: as many bytes, which
 * the kernel clears and reads for what is outside. `scratch`: `scratchBytes`.
 */
export const inputParameters = [
  'rows',
  'columns',
  'count',
  'x',
  'v',
  'component',
  'tile',
  'bytes',
  'zeros',
  'scratch',
] as const;

/** Writes the function `input`: components from tiles of the map. */
export function emitInputTransform(module: ModuleWriter, passes: TilePasses, fma: boolean): void {
  const tileRows = operandsOf(passes.rows);
  const tileColumns = operandsOf(passes.columns);
  module.function(
    'input',
    inputParameters.map(() => i32),
    (f, ...parameters) => {
      const p = named(inputParameters, parameters);
      const chunks = new ChunkWriter(f, p.bytes, fma, passes);
      const pointers = f.locals(i32, Math.max(tileRows, tileColumns));
      const target = f.local(i32);
      const end = f.local(i32);

      f.get(p.zeros).tee(target).get(p.bytes).add().set(end);
      f.loopWhile(() =>
        f.get(target).vectorConst(0).vectorStore().advance(target, 16).get(target).get(end).lessUnsigned(),
      );
      const point = (to: Local, row: number, column: number) => {
        const entries = () =>
          f
            .get(p.rows)
            .load(4 * row)
            .get(p.columns)
            .load(4 * column);
        f.get(p.zeros);
        entries().add().get(p.x).add();
        entries().or().const(0).lessSigned().select();
        f.get(chunks.first).add().set(to);
      };
      const fromMap = (matrix: Matrix, into: (row: number, push: () => void) => void) =>
        chunks.pass(matrix, (k) => f.get(pointers[k]!).get(chunks.at).add().vectorLoad(), into);
      const toComponents = (firstComponent: number) => {
        f.get(p.v).get(p.component).const(firstComponent).mul().add().get(chunks.first).add().set(target);
        return (k: number, push: () => void) => {
          f.get(target).get(chunks.at).add().get(p.component).const(k).mul().add();
          push();
          f.vectorStore();
        };
      };

      f.repeat(p.count, () => {
        chunks.each(() => {
          const { rows, columns } = passes;
          if (rows && columns) {
            for (let j = 0; j < tileColumns; j++) {
              for (let i = 0; i < tileRows; i++) point(pointers[i]!, i, j);
              fromMap(rows, (i, push) => chunks.store(p.scratch, i * tileColumns + j, push));
            }
            for (let i = 0; i < rows.length; i++) {
              const store = toComponents(i * columns.length);
              chunks.pass(columns, (j) => chunks.load(p.scratch, i * tileColumns + j), store);
            }
          } else {
            const matrix = (rows ?? columns)!;
            for (let k = 0; k < operandsOf(matrix); k++) point(pointers[k]!, rows ? k : 0, rows ? 0 : k);
            fromMap(matrix, toComponents(0));
          }
        });
        f.advance(p.columns, 4 * tileColumns).advanceBy(p.v, p.tile);
      });
    },
  );
}

/** What the output transform does besides. */
export interface OutputEpilogue {
  readonly residual: boolean;
  readonly clip: boolean;
}

/**
 * As for the input; outputs whose row or column is negative are not written. `bias`: one per channel. `residual`: added,
 * with the layout of `y`. `bounds`: two floats.
 */
export const outputParameters = [
  'rows',
  'columns',
  'count',
  'y',
  'm',
  'component',
  'tile',
  'bytes',
  'scratch',
  'bias',
  'residual',
  'bounds',
] as const;

/** Writes the function `output`: tiles of the result from components. */
export function emitOutputTransform(
  module: ModuleWriter,
  passes: TilePasses,
  epilogue: OutputEpilogue,
  fma: boolean,
): void {
  const tileRows = resultsOf(passes.rows);
  const tileColumns = resultsOf(passes.columns);
  const componentColumns = operandsOf(passes.columns);
  module.function(
    'output',
    outputParameters.map(() => i32),
    (f, ...parameters) => {
      const p = named(outputParameters, parameters);
      const chunks = new ChunkWriter(f, p.bytes, fma, passes);
      const pointers = f.locals(i32, Math.max(tileRows, tileColumns));
      const source = f.local(i32);
      const distance = f.local(i32);
      const [bias, low, high] = f.locals(v128, 3) as [Local, Local, Local];

      if (epilogue.residual) f.get(p.residual).get(p.y).sub().set(distance);
      if (epilogue.clip) f.get(p.bounds).splatLoad(0).set(low).get(p.bounds).splatLoad(4).set(high);
      const point = (to: Local, row: number, column: number) => {
        const entries = () =>
          f
            .get(p.rows)
            .load(4 * row)
            .get(p.columns)
            .load(4 * column);
        f.const(0);
        entries().add().get(p.y).add().get(chunks.first).add();
        entries().or().const(0).lessSigned().select().set(to);
      };
      const fromComponents = (
        matrix: Matrix,
        [firstComponent, step]: readonly [number, number],
        into: (row: number, push: () => void) => void,
        before?: () => void,
      ) => {
        f.get(p.m).get(p.component).const(firstComponent).mul().add().get(chunks.first).add().set(source);
        chunks.pass(
          matrix,
          (k) =>
            f
              .get(source)
              .get(chunks.at)
              .add()
              .get(p.component)
              .const(k * step)
              .mul()
              .add()
              .vectorLoad(),
          into,
          before,
        );
      };
      const loadBias = () =>
        f.get(p.bias).get(chunks.first).add().get(chunks.at).add().vectorLoad().set(bias);
      const toMap = (k: number, push: () => void) => {
        const place = pointers[k]!;
        f.get(place).when(() => {
          f.get(place).get(chunks.at).add();
          push();
          f.get(bias).vAdd();
          if (epilogue.residual) f.get(place).get(distance).add().get(chunks.at).add().vectorLoad().vAdd();
          if (epilogue.clip) f.get(low).vPseudoMax().get(high).vPseudoMin();
          f.vectorStore();
        });
      };

      f.repeat(p.count, () => {
        chunks.each(() => {
          const { rows, columns } = passes;
          if (rows && columns) {
            for (let j = 0; j < componentColumns; j++)
              fromComponents(rows, [j, componentColumns], (i, push) =>
                chunks.store(p.scratch, i * componentColumns + j, push),
              );
            for (let i = 0; i < tileRows; i++) {
              for (let j = 0; j < tileColumns; j++) point(pointers[j]!, i, j);
              chunks.pass(columns, (j) => chunks.load(p.scratch, i * componentColumns + j), toMap, loadBias);
            }
          } else {
            const matrix = (rows ?? columns)!;
            for (let k = 0; k < matrix.length; k++) point(pointers[k]!, rows ? k : 0, rows ? 0 : k);
            fromComponents(matrix, [0, 1], toMap, loadBias);
          }
        });
        f.advance(p.columns, 4 * tileColumns).advanceBy(p.m, p.tile);
      });
    },
  );
}

/** Loops over the channels of a tile, a chunk at a time, and over the vectors of a chunk. */
class ChunkWriter {
  /** Bytes of channels before the chunk. */
  readonly first: Local;
  /** Bytes of channels from the start of the chunk to the vector. */
  readonly at: Local;
  readonly #stop: Local;
  readonly #operands: readonly Local[];
  readonly #temporaries: readonly [Local, Local];
  readonly #constants: ReadonlyMap<number, Local>;

  constructor(
    private readonly f: FunctionWriter,
    private readonly bytes: Local,
    private readonly fma: boolean,
    { rows, columns }: TilePasses,
  ) {
    this.first = f.local(i32);
    this.at = f.local(i32);
    this.#stop = f.local(i32);
    this.#operands = f.locals(v128, Math.max(operandsOf(rows), operandsOf(columns)));
    this.#temporaries = [f.local(v128), f.local(v128)];
    const coefficients = fma ? coefficientsOf([...(rows ?? []), ...(columns ?? [])]) : [];
    this.#constants = new Map(coefficients.map((c) => [c, f.local(v128)]));
    for (const [c, local] of this.#constants) f.vectorConst(c).set(local);
  }

  /** Runs the body for every chunk. */
  each(body: () => void): void {
    const { f, bytes, first } = this;
    const stop = this.#stop;
    f.const(0).set(first);
    f.loopWhile(() => {
      f.const(chunk).get(bytes).get(first).sub().tee(stop);
      f.const(chunk).get(stop).lessUnsigned().select().set(stop);
      body();
      f.advance(first, chunk).get(first).get(bytes).lessUnsigned();
    });
  }

  /** Multiplies a matrix with what `load` pushes, for every vector of the chunk. */
  pass(
    matrix: Matrix,
    load: (operand: number) => void,
    store: (row: number, push: () => void) => void,
    before?: () => void,
  ): void {
    const { f, at, fma } = this;
    const operands = this.#operands.slice(0, operandsOf(matrix));
    f.const(0).set(at);
    f.loopWhile(() => {
      before?.();
      operands.forEach((operand, k) => {
        load(k);
        f.set(operand);
      });
      emitLinear(
        f,
        matrix,
        operands,
        { fma, temporaries: this.#temporaries, constants: this.#constants },
        store,
      );
      f.advance(at, 16).get(at).get(this.#stop).lessUnsigned();
    });
  }

  /** Pushes a vector of the scratch. */
  load(scratch: Local, place: number): void {
    this.f
      .get(scratch)
      .get(this.at)
      .add()
      .vectorLoad(chunk * place);
  }

  store(scratch: Local, place: number, push: () => void): void {
    this.f.get(scratch).get(this.at).add();
    push();
    this.f.vectorStore(chunk * place);
  }
}
