/** What a format's fuzz target is: how its bytes are read, and which errors may come of that. */

/** A reader of one format, and files that begin a search. */
export interface Target {
  /** Small files that are read, or refused for one reason; the search mutates them. */
  readonly seeds: () => Promise<readonly Uint8Array[]>;
  /** Reads one file, as its users do. A property that does not hold is an error of its own. */
  readonly read: (bytes: Uint8Array) => Promise<unknown>;
  /** The classes of what may be thrown. */
  readonly errors: readonly (abstract new (...args: never[]) => Error)[];
  /** What every error's message has to name. */
  readonly names: RegExp;
  /** Whether causes may be a library's own: what it makes of a damaged file is its matter, as long as ours is typed. */
  readonly library?: boolean;
  /** The files of the reader, whose lines are counted. */
  readonly reader: readonly string[];
}

/** The most characters of a message; who reads it has to see its end. */
const LONGEST_MESSAGE = 2000;

/** What a terminal obeys, and what ends a line. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/**
 * Reads one file: to a result, or to an error that says what is wrong, whose message is given.
 * @throws Error saying what of that does not hold
 */
export async function tryFile(
  { read, errors, names, library = false }: Target,
  bytes: Uint8Array,
): Promise<string | undefined> {
  let message: string | undefined;
  try {
    await read(bytes);
  } catch (error) {
    const fault = faultOf(error, { errors, names, library });
    if (fault !== undefined) throw new Error(`${fault}: ${String(error)}`, { cause: error });
    message = String(error);
  }
  if (Object.keys(Object.prototype).length > 0) throw new Error("Object.prototype was written to");
  return message;
}

function faultOf(
  error: unknown,
  { errors, names, library }: Pick<Target, "errors" | "names"> & { readonly library: boolean },
): string | undefined {
  if (!(error instanceof Error)) return "no Error was thrown";
  if (!errors.some((Kind) => error instanceof Kind)) return `the error is a ${error.constructor.name}`;
  if (!names.test(error.message)) return "the message does not name the file";
  if (UNSAFE.test(error.message)) return "the message has a control character";
  if (error.message.length > LONGEST_MESSAGE) return `the message has ${error.message.length} characters`;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (/call stack|heap|allocation failed/.test(cause.message)) return "it comes of a limit of the engine";
    if (!library && isSlip(cause)) return "it comes of a slip in the program";
  }
  return undefined;
}

/** Whether an error is the engine's word on a program, and not a program's on a file: those name what they are about. */
function isSlip(error: Error): boolean {
  const kinds = [TypeError, RangeError, ReferenceError, URIError];
  return (
    kinds.some((Kind) => error.constructor === Kind) && !("code" in error) && !/^[\w.]+: /.test(error.message)
  );
}
