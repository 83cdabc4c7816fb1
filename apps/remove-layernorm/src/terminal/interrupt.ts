/**
 * Control-C, a polite kill, or a terminal that is closed: the first asks a job to stop where it can go on, another ends the
 * process at once. But a terminal's end is told more than once, by the system and by the shell, and hurries nobody.
 */
import { type EndingSignal, SIGNAL_EXIT } from "../errors.js";
import type { Io } from "./io.js";

export interface Interrupt {
  readonly signal: AbortSignal;
  /** How the process is to end that was stopped. */
  readonly stopped: Stopped;
  /** Gives the process's own behaviour back. */
  release(): void;
}

/** A job that was stopped before its end, with a checkpoint saved. */
export class Stopped {
  constructor(readonly exitCode: number) {}
}

/** `say` is given what the first signal does. */
export function listenForInterrupt(io: Io, say: (what: string) => void): Interrupt {
  const controller = new AbortController();
  let first: EndingSignal = "SIGINT";
  const release = io.onInterrupt((signal) => {
    if (controller.signal.aborted) return quit(io, signal);
    first = signal;
    controller.abort();
    say("stopping after the update or validation batch under way; Control-C again quits at once");
  });
  return {
    signal: controller.signal,
    get stopped() {
      return new Stopped(SIGNAL_EXIT[first]);
    },
    release,
  };
}

/** What a signal does to a process that is stopping already. */
export function quit(io: Io, signal: EndingSignal): void {
  if (signal !== "SIGHUP") io.exit(SIGNAL_EXIT[signal]);
}
