/** Errors by what whoever asked can do; their messages are for people, and safe to show whatever a server says. */
import { printable } from "@normless/text";

/** A model does not come; what other errors of this package are, too. */
export class HubError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** The hub does not give what it was asked for, and asking again does not change it. */
export class HubRefusal extends HubError {}

/** The hub has no such model, or not for everybody. */
export class NoSuchModelError extends HubRefusal {
  readonly answer: string;

  /** @param answer the hub by its address, what it lacks, and what to do */
  constructor(model: string, answer: string) {
    super(`${model}: ${answer}`);
    this.answer = printable(answer);
  }
}

/** The hub cannot be reached, or is in trouble, and the cache has nothing of a model. */
export class HubUnreachable extends HubError {
  readonly answer: string;

  /** @param answer the hub by its address, and why it gives none */
  constructor(model: string, answer: string, options?: ErrorOptions) {
    super(`${model}: ${answer}. Try again with a network; what is downloaded once works without`, options);
    this.answer = printable(answer);
  }
}

/** Nobody is to be asked (HF_HUB_OFFLINE), and the cache has nothing of a model. */
export class NotCachedError extends HubError {}

/** Any error's message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Node's code of a failed system call, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
