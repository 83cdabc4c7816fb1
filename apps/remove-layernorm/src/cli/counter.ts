/** How far a measurement is: a line that counts up where somebody watches, nothing elsewhere. */
import { thousands } from "./format.js";
import { breathe, type Io } from "./io.js";

const ERASE = "\r\u001b[K";

/** Runs `steps`, which yield how many of `total` `units` are done, and returns their result. */
export async function counted<X>(
  io: Io,
  steps: AsyncGenerator<number, X>,
  total: number,
  units: string,
): Promise<X> {
  try {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return value;
      io.terminal?.write(`${ERASE}${thousands(value)} of ${thousands(total)} ${units}`);
      await breathe();
    }
  } finally {
    io.terminal?.write(ERASE);
  }
}
