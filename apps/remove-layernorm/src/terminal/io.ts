/** What a command has to do with the process it runs in, so that a test can run it in its own. */
import pc from "picocolors";

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
  /** Calls `handler` at each Control-C (or polite kill); the result ends that. */
  onInterrupt(handler: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export const processIo: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY ? process.stderr : undefined,
  colors: pc,
  now: () => new Date(),
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
