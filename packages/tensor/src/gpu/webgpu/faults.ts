/**
 * Errors of a device that does not throw them: validation, memory and loss arrive later, if one listens. Here they are
 * collected, and `check` throws the first of them. After it nothing on the device can be trusted, so it stays.
 */
import { BackendError, DeviceLostError } from "../../errors.js";

/** The errors of one device; `check` throws the first. */
export class Faults {
  #first: BackendError | undefined;
  #pending: Promise<void>[] = [];
  readonly #device: GPUDevice;
  #closed = false;

  constructor(device: GPUDevice) {
    this.#device = device;
    device.onuncapturederror = ({ error }) => this.#fail(new BackendError(`webgpu: ${describe(error)}`));
    void device.lost.then(({ reason, message }) => {
      const why = `${reason}: ${message || "no reason given"}`;
      this.#fail(new DeviceLostError(`webgpu: the device was lost (${why}). Make a new backend.`));
    });
  }

  /** Runs `body`; what it does wrong is reported under the name of `what`. */
  watch<T>(what: string, body: () => T): T {
    this.#device.pushErrorScope("validation");
    this.#device.pushErrorScope("out-of-memory");
    this.#device.pushErrorScope("internal");
    try {
      return body();
    } finally {
      for (let scope = 0; scope < 3; scope++) {
        const popped = this.#device.popErrorScope().then(
          (error) => {
            if (error) this.#fail(new BackendError(`webgpu: ${what}: ${describe(error)}`));
          },
          // Only a lost device cannot say what happened, and `lost` says it.
          () => undefined,
        );
        this.#pending.push(popped);
      }
    }
  }

  /** The first error so far. @throws BackendError */
  throwFirst(): void {
    if (this.#first) throw this.#first;
  }

  /** Waits for the reports of all that was watched so far. @throws BackendError */
  async check(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
    this.throwFirst();
  }

  /** Errors from here on are the consequence of an intended end. */
  close(): void {
    this.#closed = true;
  }

  #fail(error: BackendError): void {
    if (!this.#closed) this.#first ??= error;
  }
}

function describe(error: GPUError): string {
  const kind = error.constructor.name.replace(/^GPU|Error$/g, "").toLowerCase();
  return `${kind} error: ${error.message}`;
}
