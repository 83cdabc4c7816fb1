/**
 * Work in its order, of which some waits for values from the device: what comes after that waits, too, and everything else
 * is done at once.
 */
import { BackendError } from "../errors.js";

/** One queue, which a backend's device work goes through. */
export class Order {
  readonly #waiting: (() => void)[] = [];
  #busy = false;
  #failure: unknown;

  /** Does it now, or after what waits. What it throws it throws here, or, if it had to wait, to whoever reads. */
  do(work: () => void): void {
    if (this.#busy) this.#waiting.push(work);
    else work();
  }

  /** Within `do`: what comes later waits until `work` has been done with the values. */
  wait<T>(values: Promise<T>, work: (values: T) => void): void {
    this.#busy = true;
    values
      .then(work)
      .catch((error: unknown) => (this.#failure ??= error))
      .finally(() => this.#goOn());
  }

  /** What `work` comes to, begun now or after what waits. @throws BackendError where something that waited has failed */
  after<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.do(() => {
        if (this.#failure === undefined) resolve(work());
        else reject(failed(this.#failure));
      });
    });
  }

  #goOn(): void {
    this.#busy = false;
    while (!this.#busy) {
      const next = this.#waiting.shift();
      if (!next) break;
      try {
        next();
      } catch (error) {
        this.#failure ??= error;
      }
    }
  }
}

function failed(cause: unknown): BackendError {
  return new BackendError("gpu: work that waited for the host has failed, and what came after it", { cause });
}
