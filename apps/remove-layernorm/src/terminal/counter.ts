/** How far a measurement is: a line that counts up where somebody watches, nothing elsewhere. */
import { thousands } from "./format.js";
import { breathe, type Io } from "./io.js";

const ERASE = "\r\u001b[K";

/** Where somebody may watch: an `Io` is one. */
export interface Watched {
  readonly terminal: { write(text: string): unknown } | undefined;
}

/** The line itself. */
export class CountLine {
  readonly #terminal: Watched["terminal"];

  constructor(io: Watched | undefined) {
    this.#terminal = io?.terminal;
  }

  show(text: string): void {
    this.#terminal?.write(`${ERASE}${text}`);
  }

  stop(): void {
    this.#terminal?.write(ERASE);
  }
}

/** Runs `steps`, which yield how many of `total` `units` are done, and returns their result. */
export async function counted<X>(
  io: Io,
  steps: AsyncGenerator<number, X>,
  total: number,
  units: string,
): Promise<X> {
  const line = new CountLine(io);
  try {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return value;
      line.show(`${thousands(value)} of ${thousands(total)} ${units}`);
      await breathe();
    }
  } finally {
    line.stop();
  }
}
