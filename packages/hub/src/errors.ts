/** Errors by what whoever asked can do; their messages are for people. */

/** The hub does not give what it was asked for, and asking again does not change it. */
export class HubRefusal extends Error {}

/** The hub has no such model, or not for everybody. */
export class NoSuchModelError extends HubRefusal {
  /** @param answer the hub by its address, what it lacks, and what to do */
  constructor(
    model: string,
    readonly answer: string,
  ) {
    super(`${model}: ${answer}`);
  }
}

/** The hub cannot be reached, or is in trouble, and the cache has nothing of a model. */
export class HubUnreachable extends Error {
  /** @param answer the hub by its address, and why it gives none */
  constructor(
    model: string,
    readonly answer: string,
    options?: ErrorOptions,
  ) {
    super(`${model}: ${answer}. Try again with a network; what is downloaded once works without`, options);
  }
}

/** Nobody is to be asked (HF_HUB_OFFLINE), and the cache has nothing of a model. */
export class NotCachedError extends Error {}

/** Any error's message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Node's code of a failed system call, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
