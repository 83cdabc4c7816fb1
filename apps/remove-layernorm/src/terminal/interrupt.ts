/** Control-C: the first asks a job to stop where it can go on, the second ends the process at once. */
import { EXIT } from "../errors.js";
import type { Io } from "./io.js";

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the process's own behaviour back. */
  release(): void;
}

/** `say` is given what the first Control-C does. */
export function listenForInterrupt(io: Io, say: (what: string) => void): Interrupt {
  const controller = new AbortController();
  const release = io.onInterrupt(() => {
    if (controller.signal.aborted) return io.exit(EXIT.interrupted);
    controller.abort();
    say("stopping after the update or validation batch under way; Control-C again quits at once");
  });
  return { signal: controller.signal, release };
}
