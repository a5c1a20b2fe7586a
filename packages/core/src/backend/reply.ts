/** Errors across the border of a worker: the same class, message and details on the other side. */
import * as errors from '../errors.js';

/** An error as plain data. */
interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** Of an AtrousError. */
  readonly details?: errors.ErrorDetails | undefined;
  readonly path?: string | undefined;
}

/** What a worker answers. Errors travel as values: a message port would keep neither class nor details. */
export type Reply<T> = { readonly value: T } | { readonly error: ErrorData };

type ErrorClasses = Readonly<
  Record<string, new (message: string, details?: errors.ErrorDetails) => errors.AtrousError>
>;

/** Does something and replies with what it gives or throws. */
export async function replyOf<T>(action: () => T | Promise<T>): Promise<Reply<T>> {
  try {
    return { value: await action() };
  } catch (error) {
    return { error: errorData(error) };
  }
}

/**
 * What the other side gave; throws what it threw.
 *
 * @param classes errors of your own, by name, that are to be the same class again
 */
export function openReply<T>(reply: Reply<T>, classes?: ErrorClasses): T {
  if ('error' in reply) throw errorOf(reply.error, classes);
  return reply.value;
}

function errorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  if (!(error instanceof errors.AtrousError)) return { name, message, stack };
  return { name, message, stack, details: cloneable(error.details), path: error.path };
}

/**
 * The same error again. An AtrousError whose class is not known here is an AtrousError with its name; what is none of
 * atrous is an Error with its name.
 */
function errorOf({ name, message, stack, details, path }: ErrorData, classes?: ErrorClasses): Error {
  const known = { ...ownClasses, ...classes };
  const error =
    details === undefined ? new Error(message) : new (known[name] ?? errors.AtrousError)(message, details);
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true });
  if (path !== undefined) (error as errors.AtrousError).path = path;
  if (stack !== undefined) error.stack = stack;
  return error;
}

const ownClasses: ErrorClasses = {
  ShapeError: errors.ShapeError,
  OptionError: errors.OptionError,
  UnsupportedError: errors.UnsupportedError,
  MemoryError: errors.MemoryError,
  ExecutionError: errors.ExecutionError,
  FormatError: errors.FormatError,
  DisposedError: errors.DisposedError,
};

/** Details may hold anything; what cannot travel goes as text. */
function cloneable(details: errors.ErrorDetails): errors.ErrorDetails {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => {
      try {
        structuredClone(value);
        return [key, value];
      } catch {
        return [key, String(value)];
      }
    }),
  );
}
