/** What a command has to do with the process it runs in, so that a test can run it in its own. */
import pc from "picocolors";
import { type EndingSignal, SIGNAL_EXIT } from "../errors.js";
import { safeText } from "./safe-text.js";

export interface Io {
  /** Results. */
  out(text: string): void;
  /** Progress, notes and errors. */
  err(text: string): void;
  /** Where `--json -` has standard output to itself: what goes there, and `out` then goes where `err` does. */
  readonly json?: (text: string) => void;
  /** Where the progress bar is drawn; undefined where nobody watches, and lines are written instead. */
  readonly terminal: NodeJS.WriteStream | undefined;
  readonly colors: ReturnType<typeof pc.createColors>;
  now(): Date;
  /** Milliseconds since some moment, which no setting of the machine's clock changes: for how long something takes. */
  clock(): number;
  /** Calls `handler` at each Control-C, polite kill, or end of the terminal; the result ends that. */
  onInterrupt(handler: (signal: EndingSignal) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

const SIGNALS = Object.keys(SIGNAL_EXIT) as EndingSignal[];

export const processIo: Io = {
  // A file or a pipe gets the bytes as they are.
  out: (text) => void process.stdout.write(process.stdout.isTTY ? safeText(text) : text),
  err: (text) => void process.stderr.write(safeText(text)),
  terminal: process.stderr.isTTY ? process.stderr : undefined,
  colors: pc,
  now: () => new Date(),
  clock: () => performance.now(),
  onInterrupt(handler) {
    for (const signal of SIGNALS) process.on(signal, handler);
    return () => {
      for (const signal of SIGNALS) process.off(signal, handler);
    };
  },
  exit: (code) => process.exit(code),
};

/** Lets signals and timers in: a run on the CPU never waits for anything else. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
