/** Writes WebAssembly modules: kernels are emitted for the machine that runs them, with no build step. */

export const i32 = 0x7f;
export const f32 = 0x7d;
export const v128 = 0x7b;
export type ValueType = typeof i32 | typeof f32 | typeof v128;

/** A local variable or parameter. */
export interface Local {
  readonly index: number;
}

/** Parameters by the names that a kernel gives them. */
export const named = <N extends string>(names: readonly N[], locals: readonly Local[]): Record<N, Local> =>
  Object.fromEntries(names.map((name, i) => [name, locals[i]!])) as Record<N, Local>;

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 127;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 128);
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

const floatBytes = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)];

/** Instructions of one function, as methods that read like WebAssembly's text form. All return `this`. */
export class FunctionWriter {
  readonly code: number[] = [];
  readonly #locals: ValueType[] = [];

  constructor(
    readonly parameters: readonly ValueType[],
    readonly results: readonly ValueType[] = [],
  ) {}

  local(type: ValueType): Local {
    this.#locals.push(type);
    return { index: this.parameters.length + this.#locals.length - 1 };
  }

  locals(type: ValueType, count: number): Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** Raw bytes. */
  emit(...bytes: number[]): this {
    for (const byte of bytes) this.code.push(byte);
    return this;
  }

  get({ index }: Local): this {
    return this.emit(0x20, ...unsigned(index));
  }

  set({ index }: Local): this {
    return this.emit(0x21, ...unsigned(index));
  }

  tee({ index }: Local): this {
    return this.emit(0x22, ...unsigned(index));
  }

  const(value: number): this {
    return this.emit(0x41, ...signed(value));
  }

  add(): this {
    return this.emit(0x6a);
  }

  sub(): this {
    return this.emit(0x6b);
  }

  mul(): this {
    return this.emit(0x6c);
  }

  and(): this {
    return this.emit(0x71);
  }

  or(): this {
    return this.emit(0x72);
  }

  shiftLeft(): this {
    return this.emit(0x74);
  }

  /** Unsigned. */
  shiftRight(): this {
    return this.emit(0x76);
  }

  isZero(): this {
    return this.emit(0x45);
  }

  lessUnsigned(): this {
    return this.emit(0x49);
  }

  lessSigned(): this {
    return this.emit(0x48);
  }

  /** Adds a constant to a local. */
  advance(local: Local, bytes: number): this {
    return this.get(local).const(bytes).add().set(local);
  }

  /** Adds one local to another. */
  advanceBy(local: Local, step: Local): this {
    return this.get(local).get(step).add().set(local);
  }

  load(offset = 0): this {
    return this.emit(0x28, 2, ...unsigned(offset));
  }

  store(offset = 0): this {
    return this.emit(0x36, 2, ...unsigned(offset));
  }

  loadByte(offset = 0): this {
    return this.emit(0x2d, 0, ...unsigned(offset));
  }

  loadFloat(offset = 0): this {
    return this.emit(0x2a, 2, ...unsigned(offset));
  }

  storeFloat(offset = 0): this {
    return this.emit(0x38, 2, ...unsigned(offset));
  }

  storeByte(offset = 0): this {
    return this.emit(0x3a, 0, ...unsigned(offset));
  }

  floatConst(value: number): this {
    return this.emit(0x43, ...floatBytes(value));
  }

  floatAdd(): this {
    return this.emit(0x92);
  }

  floatSub(): this {
    return this.emit(0x93);
  }

  floatMul(): this {
    return this.emit(0x94);
  }

  floatDiv(): this {
    return this.emit(0x95);
  }

  floatSqrt(): this {
    return this.emit(0x91);
  }

  floatMax(): this {
    return this.emit(0x97);
  }

  /** From a signed integer. */
  floatFromInt(): this {
    return this.emit(0xb2);
  }

  /** The first of two values if the condition on top is not 0, else the second. */
  select(): this {
    return this.emit(0x1b);
  }

  /** Runs the body while the counter, decremented after each turn, is not 0; the counter must start above 0. */
  repeat(counter: Local, body: () => void): this {
    this.emit(0x03, 0x40);
    body();
    this.get(counter).const(1).sub().tee(counter);
    return this.emit(0x0d, 0, 0x0b);
  }

  /** Like `repeat`, but does nothing when the counter is 0. */
  repeatIfAny(counter: Local, body: () => void): this {
    this.get(counter);
    return this.when(() => this.repeat(counter, body));
  }

  /** Runs the body until the condition that it leaves on the stack is 0. */
  loopWhile(body: () => void): this {
    this.emit(0x03, 0x40);
    body();
    return this.emit(0x0d, 0, 0x0b);
  }

  /** Runs one of two bodies, by the value on the stack. */
  when(then: () => void, otherwise?: () => void): this {
    this.emit(0x04, 0x40);
    then();
    if (otherwise !== undefined) {
      this.emit(0x05);
      otherwise();
    }
    return this.emit(0x0b);
  }

  #simd(opcode: number, ...immediates: number[]): this {
    return this.emit(0xfd, ...unsigned(opcode), ...immediates);
  }

  vectorLoad(offset = 0): this {
    return this.#simd(0, 2, ...unsigned(offset));
  }

  vectorStore(offset = 0): this {
    return this.#simd(11, 2, ...unsigned(offset));
  }

  /** Loads one float into all lanes. */
  splatLoad(offset = 0): this {
    return this.#simd(9, 2, ...unsigned(offset));
  }

  /** Loads one float into the first lane, zeros elsewhere. */
  zeroExtendLoad(offset = 0): this {
    return this.#simd(0x5c, 2, ...unsigned(offset));
  }

  /** Loads two floats into the first lanes, zeros elsewhere. */
  zeroExtendLoadPair(offset = 0): this {
    return this.#simd(0x5d, 3, ...unsigned(offset));
  }

  vectorConst(value: number): this {
    const bytes = floatBytes(value);
    return this.#simd(12, ...bytes, ...bytes, ...bytes, ...bytes);
  }

  /** All lanes the same integer. */
  vectorConstInt(value: number): this {
    const bytes = [...new Uint8Array(Int32Array.of(value).buffer)];
    return this.#simd(12, ...bytes, ...bytes, ...bytes, ...bytes);
  }

  splat(): this {
    return this.#simd(0x13);
  }

  extractLane(lane: number): this {
    return this.#simd(0x1f, lane);
  }

  /** Picks bytes of two vectors. */
  shuffle(lanes: readonly number[]): this {
    return this.#simd(13, ...lanes);
  }

  vAdd(): this {
    return this.#simd(0xe4);
  }

  vSub(): this {
    return this.#simd(0xe5);
  }

  vMul(): this {
    return this.#simd(0xe6);
  }

  vDiv(): this {
    return this.#simd(0xe7);
  }

  vMin(): this {
    return this.#simd(0xe8);
  }

  vMax(): this {
    return this.#simd(0xe9);
  }

  /** b < a ? b : a, one instruction of most machines: a, if one of them is NaN. */
  vMinQuick(): this {
    return this.#simd(0xea);
  }

  /** a < b ? b : a, one instruction of most machines: a, if one of them is NaN. */
  vMaxQuick(): this {
    return this.#simd(0xeb);
  }

  /**
   * a, or b where b < a: one instruction where `vMin` takes eight. A NaN in a stays, one in b is ignored; of two zeros
   * it is a.
   */
  vPseudoMin(): this {
    return this.#simd(0xea);
  }

  /** a, or b where a < b. */
  vPseudoMax(): this {
    return this.#simd(0xeb);
  }

  vAbs(): this {
    return this.#simd(0xe0);
  }

  vNeg(): this {
    return this.#simd(0xe1);
  }

  vSqrt(): this {
    return this.#simd(0xe3);
  }

  vFloor(): this {
    return this.#simd(0x68);
  }

  vNearest(): this {
    return this.#simd(0x6a);
  }

  /** Lanes of a < b as all ones. */
  vLess(): this {
    return this.#simd(0x43);
  }

  /** Lanes of a ≠ b, thus of NaN, as all ones. */
  vNotEqual(): this {
    return this.#simd(0x42);
  }

  vGreater(): this {
    return this.#simd(0x44);
  }

  /** Bits of the first where the mask is set, of the second elsewhere. */
  vSelect(): this {
    return this.#simd(0x52);
  }

  vAnd(): this {
    return this.#simd(0x4e);
  }

  vOr(): this {
    return this.#simd(0x50);
  }

  vNot(): this {
    return this.#simd(0x4d);
  }

  /** Float to int32, saturating. */
  vToInt(): this {
    return this.#simd(0xf8);
  }

  vFromInt(): this {
    return this.#simd(0xfa);
  }

  /** The four lowest bytes as unsigned int32. */
  vWidenBytes(): this {
    return this.#simd(0x89).#simd(0xa9);
  }

  /** int32 to the four lowest bytes, saturating to 0 … 255. */
  vNarrowToBytes(): this {
    return this.vectorConstInt(0).#simd(0x85).vectorConstInt(0).#simd(0x66);
  }

  /** All lanes the integer on the stack. */
  vSplatInt(): this {
    return this.#simd(0x11);
  }

  extractInt(lane: number): this {
    return this.#simd(0x1b, lane);
  }

  vIntAdd(): this {
    return this.#simd(0xae);
  }

  vIntSub(): this {
    return this.#simd(0xb1);
  }

  /** Each int32 lane shifted left by the count on the stack. */
  vIntShiftLeft(): this {
    return this.#simd(0xab);
  }

  vIntShiftRight(): this {
    return this.#simd(0xac);
  }

  /** a · b + c with one rounding or two: relaxed SIMD. */
  vMultiplyAddRelaxed(): this {
    return this.#simd(0x105);
  }

  /** The function's body with its locals. */
  body(): number[] {
    const runs: [number, ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const declared = [
      ...unsigned(runs.length),
      ...runs.flatMap(([count, type]) => [...unsigned(count), type]),
    ];
    return [...unsigned(declared.length + this.code.length + 1), ...declared, ...this.code, 0x0b];
  }
}

/** A module that imports one memory, `env.memory`, and exports its functions. */
export class ModuleWriter {
  readonly #functions: { readonly name: string; readonly writer: FunctionWriter }[] = [];

  /** @param shared whether the memory is shared between threads */
  constructor(private readonly shared = false) {}

  /** Adds an exported function; `build` writes its instructions. */
  function(
    name: string,
    parameters: readonly ValueType[],
    build: (writer: FunctionWriter, ...parameters: Local[]) => void,
    results: readonly ValueType[] = [],
  ): this {
    const writer = new FunctionWriter(parameters, results);
    build(writer, ...parameters.map((_, index) => ({ index })));
    this.#functions.push({ name, writer });
    return this;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const out = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const section = (id: number, body: number[]) => {
      out.push(id, ...unsigned(body.length));
      for (const byte of body) out.push(byte);
    };
    const text = (value: string) => [...unsigned(value.length), ...[...value].map((c) => c.charCodeAt(0))];
    const vector = (items: number[][]) => [...unsigned(items.length), ...items.flat()];
    const signatures = this.#functions.map(({ writer }) => [
      0x60,
      ...unsigned(writer.parameters.length),
      ...writer.parameters,
      ...unsigned(writer.results.length),
      ...writer.results,
    ]);
    const types = [...new Map(signatures.map((type) => [type.join(), type])).values()];
    const keys = types.map((type) => type.join());
    section(1, vector(types));
    section(
      2,
      vector([
        [...text('env'), ...text('memory'), 2, this.shared ? 3 : 1, ...unsigned(1), ...unsigned(65536)],
      ]),
    );
    section(3, vector(signatures.map((type) => unsigned(keys.indexOf(type.join())))));
    section(7, vector(this.#functions.map(({ name }, index) => [...text(name), 0, ...unsigned(index)])));
    section(10, vector(this.#functions.map(({ writer }) => writer.body())));
    return Uint8Array.from(out);
  }
}
