/** Errors by who has to act. Every error's message is for people; only a usage error has an exit code of its own. */
import { DataError, type NamedOption, RequestError } from "@normless/data";
import { RecipeError } from "@normless/train";
import { didYouMean } from "./options/nearest.js";

/** The command was given wrongly: an option, a file of options. Exit code 2. */
export class UsageError extends Error {}

/** An option as it is typed, by the name of its field. */
export function optionName(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Runs a check of the core's on what was asked for, and gives its result.
 * @throws UsageError that names the option of a field that does not fit; fields inside of others have none.
 */
export function checkAsked<X>(check: () => X): X {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof RecipeError)) throw cause;
    const { problem, field, fix } = cause;
    const what = field.includes(".") ? field : optionName(field);
    throw new UsageError(`${problem}; give ${what} ${fix}`, { cause });
  }
}

const MORE = "--train-tokens N for training, --tokens N elsewhere";
const called = (option: NamedOption) => (option === "tokens" ? MORE : optionName(option));

/**
 * Reads data, for a command line; its errors tell what to do by the names of options, and begin with `option` where one
 * named what is read.
 * @throws UsageError where the data were asked for wrongly; Error where something is wrong in them
 */
export async function readAsked<X>(read: () => Promise<X>, option?: string): Promise<X> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    const Kind = cause instanceof RequestError ? UsageError : Error;
    const said = cause.problem + cause.fix({ called, meant: didYouMean });
    throw new Kind(option === undefined ? said : `${option} ${said}`, { cause });
  }
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Signals that ask a process to end, and the exit code of one that did so, as shells have it: 128 and the signal's number. */
export const SIGNAL_EXIT = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type EndingSignal = keyof typeof SIGNAL_EXIT;

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs `action`; its errors begin with where they arose. */
export async function within<X>(where: string, action: () => X | Promise<X>): Promise<X> {
  try {
    return await action();
  } catch (cause) {
    const Kind = cause instanceof UsageError ? UsageError : Error;
    throw new Kind(`${where}: ${messageOf(cause)}`, { cause });
  }
}

/** Node's code of a failed system call, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
