/** What an error was about, by name: the values that did not fit. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** Every error that atrous throws on purpose. The message says what to do; `details` carries the values. */
export class AtrousError extends Error {
  override readonly name: string = 'AtrousError';
  readonly details: ErrorDetails;
  /** Where in a network it happened, if known: names of blocks joined by dots. */
  path?: string;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.details = details;
  }

  /** Puts the place in a network before the message: `aspp.atrous_block6: conv2d: …`. Returns the same error. */
  within(name: string): this {
    const rest = this.path === undefined ? this.message : this.message.slice(this.path.length + 2);
    this.path = this.path === undefined ? name : `${name}.${this.path}`;
    this.message = `${this.path}: ${rest}`;
    return this;
  }
}

/** Shapes or dtypes of tensors do not fit together. */
export class ShapeError extends AtrousError {
  override readonly name = 'ShapeError';
}

/** An option or argument has an unusable value. */
export class OptionError extends AtrousError {
  override readonly name = 'OptionError';
}

/** This backend, machine or browser cannot do what was asked for. */
export class UnsupportedError extends AtrousError {
  override readonly name = 'UnsupportedError';
}

/** The memory bound would be exceeded; nothing was allocated. */
export class MemoryError extends AtrousError {
  override readonly name = 'MemoryError';
}

/** A kernel failed while it ran: a defect of the library or of the machine. The backend stays usable. */
export class ExecutionError extends AtrousError {
  override readonly name = 'ExecutionError';
}

/** A file is damaged or not of the expected format. */
export class FormatError extends AtrousError {
  override readonly name = 'FormatError';
}

/** The thing was disposed, or its device is lost. */
export class DisposedError extends AtrousError {
  override readonly name = 'DisposedError';
}
