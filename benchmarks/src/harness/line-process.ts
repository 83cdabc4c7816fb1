/** A process that is asked in lines of JSON and answers each with one: how a contender gets a memory of its own. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { z } from "zod";

/** How a process says that something went wrong. */
const failure = z.object({ error: z.string() });

export class LineProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #failed: Promise<never>;

  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
  ) {
    this.#child = spawn(command, [...args], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#failed = once(this.#child, "error").then(([error]) => {
      throw new Error(`${name}: ${command} did not start`, { cause: error });
    });
    // Whoever asks next hears of it.
    this.#failed.catch(() => undefined);
    this.#child.stdin.on("error", () => undefined);
  }

  /** @throws Error with what the process said was wrong, or when it ended instead of answering. */
  async ask<S extends z.ZodType>(schema: S, message: Readonly<Record<string, unknown>>): Promise<z.infer<S>> {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
    const line = await Promise.race([this.#lines.next(), this.#failed]);
    if (line.done)
      throw new Error(`${this.name}: the process ended instead of answering ${this.#about(message)}`);
    const answer: unknown = JSON.parse(line.value);
    const failed = failure.safeParse(answer);
    if (failed.success) throw new Error(`${this.name}: ${failed.data.error}`);
    return schema.parse(answer);
  }

  #about(message: Readonly<Record<string, unknown>>): string {
    return JSON.stringify(message).slice(0, 80);
  }

  /** Resolves when the process has ended. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.stdin.end();
    await Promise.race([ended, this.#failed.catch(() => undefined)]);
  }
}

/** The side that answers: `answer` sees every message; what it throws is sent as the error. */
export async function serve(answer: (message: unknown) => Promise<unknown>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = await answer(JSON.parse(line)).catch((error: unknown) => ({ error: String(error) }));
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}
