/** Errors of reading data, by who has to act; their messages are for people. */
import { printable } from "@normless/text";

/** An option of `ReadOptions` that an error may tell to give. */
export type NamedOption = "tokens" | "textColumn" | "tokenColumn";

/** How whoever asks would say what to do: a command line, for one, has names of its own for the options. */
export interface Words {
  /** What an option is called. */
  readonly called: (option: NamedOption) => string;
  /** Ends an error about a name that is not among those there are: it may tell the nearest. */
  readonly meant: (name: string, among: readonly string[]) => string;
}

const plain: Words = { called: (option) => option, meant: () => "" };

/** Something is wrong with data. */
export class DataError extends Error {
  /** One line that is safe to show, whatever the data hold. */
  readonly problem: string;

  /** @param fix what to do, in somebody's words: the end of the message */
  constructor(
    problem: string,
    readonly fix: (words: Words) => string = () => "",
    options?: ErrorOptions,
  ) {
    super(printable(problem + fix(plain)), options);
    this.problem = printable(problem);
  }
}

/** What was asked for does not go together with what is there; asked otherwise, it may. */
export class RequestError extends DataError {}

/** Runs `action`; its errors begin with where they arose. @throws DataError, RequestError */
export async function within<X>(where: string, action: () => X | Promise<X>): Promise<X> {
  try {
    return await action();
  } catch (cause) {
    const Kind = cause instanceof RequestError ? RequestError : DataError;
    const { problem, fix } = cause instanceof DataError ? cause : new DataError(messageOf(cause));
    throw new Kind(`${where}: ${problem}`, fix, { cause });
  }
}

/** So many names are said one by one, and so much of each. */
const NAMED = 8;
const LONGEST = 60;

/** Names of files or columns for a message, of many the first few: on one line, and safe to show. */
export function firstNames(names: readonly string[]): string {
  const shown = names
    .slice(0, NAMED)
    .map((name) => printable(name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name));
  const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : "";
  return shown.length === 0 ? "none" : shown.join(", ") + more;
}

/** Any error's message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Node's code of a failed system call, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
