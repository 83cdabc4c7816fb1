/** What comes from a network, bounded: in its bytes, and in the time that none of them comes. */
import { thousands } from "./numbers.js";
import { fetchFromHere } from "./proxy.js";

/** What an answer is held to. */
export interface Bounds {
  /** Of the answer's body, once it is unpacked; default any number. */
  readonly bytes?: number | ((response: Response) => number) | undefined;
  /** Milliseconds until the answer begins, and then between two pieces of it while somebody waits for them. */
  readonly silence: number;
  /** Milliseconds for the whole answer; default any number. */
  readonly whole?: number | undefined;
}

/** A server did not keep to the bounds. */
export class BoundsError extends Error {}
/** Nothing came for too long. */
export class SilenceError extends BoundsError {}
/** More came than was asked for, and the rest was refused. */
export class TooLongError extends BoundsError {}

/** Milliseconds that a server may be silent: huggingface_hub's variable, in seconds, but three times its default. */
export function silence(): number {
  const seconds = Number(process.env["HF_HUB_DOWNLOAD_TIMEOUT"] ?? "");
  return 1000 * (seconds > 0 ? seconds : 30);
}

/** `fetch`, by way of a proxy where the environment names one, whose promise and body end with an error where a bound is passed. @throws SilenceError, TooLongError */
export async function boundedFetch(
  url: string | URL | Request,
  init: RequestInit | undefined,
  bounds: Bounds,
): Promise<Response> {
  const clock = new Clock(bounds);
  const signals = [clock.signal, init?.signal ?? undefined].filter((signal) => signal !== undefined);
  const ask = await fetchFromHere();
  const response = await clock.during(ask(url, { ...init, signal: AbortSignal.any(signals) }));
  if (!response.body) {
    clock.stop();
    return response;
  }
  const bytes = typeof bounds.bytes === "function" ? bounds.bytes(response) : bounds.bytes;
  const body = bounded(response.body, bytes ?? Infinity, clock);
  const { status, statusText, headers } = response;
  const answer = new Response(body, { status, statusText, headers });
  // What a Response that was made here does not know.
  Object.defineProperty(answer, "url", { value: response.url });
  return answer;
}

/** Ends a request by its signal. Runs only while something is waited for: a reader may take its time. */
class Clock {
  readonly #abort = new AbortController();
  readonly #silence: number;
  readonly #whole: NodeJS.Timeout | undefined;

  constructor({ silence, whole }: Bounds) {
    this.#silence = silence;
    if (whole === undefined) return;
    const said = `the answer takes longer than ${whole / 1000} seconds`;
    // Nobody who has gone on without the answer is kept by it.
    this.#whole = setTimeout(() => this.#end(said), whole).unref();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  async during<X>(promise: Promise<X>): Promise<X> {
    const said = `nothing came for ${this.#silence / 1000} seconds; to wait for longer, set HF_HUB_DOWNLOAD_TIMEOUT`;
    const timer = setTimeout(() => this.#end(said), this.#silence);
    try {
      return await promise;
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  stop(): void {
    clearTimeout(this.#whole);
  }

  #end(message: string): void {
    this.#abort.abort(new SilenceError(message));
  }
}

function bounded(body: ReadableStream<Uint8Array>, bytes: number, clock: Clock): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let count = 0;
  const cancel = async (reason?: unknown) => {
    clock.stop();
    await reader.cancel(reason).catch(() => undefined);
  };
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const { done, value } = await clock.during(reader.read());
    if (done) {
      clock.stop();
      return controller.close();
    }
    count += value.byteLength;
    if (count <= bytes) return controller.enqueue(value);
    const error = new TooLongError(`more came than ${thousands(bytes)} bytes`);
    await cancel(error);
    throw error;
  };
  // Nothing is fetched ahead of whoever reads.
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}
