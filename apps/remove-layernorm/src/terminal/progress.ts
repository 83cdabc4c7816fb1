/** A long job on the terminal: one bar where somebody watches, a line now and then where nobody does. */
import { SingleBar } from "cli-progress";
import { duration, thousands } from "./format.js";
import type { Io } from "./io.js";
import { TimeLeft, type Work } from "./time-left.js";

/** Where nobody watches, so many steps pass between two lines. */
const STEPS_PER_LINE = 10;

export interface StepLike {
  readonly phase: string;
  readonly step: number;
  readonly loss: number;
  readonly tokensPerSecond: number;
}

export class Progress {
  readonly #io: Io;
  readonly #loss: string;
  readonly #left: TimeLeft;
  readonly #bar: SingleBar | undefined;
  #status = "";
  #note = "";

  /** `loss`: what the loss of a step is. */
  constructor(io: Io, work: Work, loss = "cross-entropy") {
    this.#io = io;
    this.#loss = loss;
    this.#left = new TimeLeft(work, io.clock());
    if (!io.terminal) return;
    this.#bar = new SingleBar({
      stream: io.terminal,
      format: "{bar} {percent}% · {left} left · {status}{note}",
      barCompleteChar: "━",
      barIncompleteChar: "─",
      barsize: 12,
      hideCursor: true,
      linewrap: false,
      etaBuffer: 1,
      gracefulExit: false,
      emptyOnZero: true,
    });
    this.#bar.start(100, 0, { percent: 0, status: "starting", note: "", left: "?" });
  }

  /** An update of `tokens` tokens is done, out of `steps` in its phase. */
  step({ phase, step, loss, tokensPerSecond }: StepLike, steps: number, tokens: number): void {
    this.#left.did("train", tokens, this.#io.clock());
    const pace = `${thousands(tokensPerSecond)} tokens/s`;
    this.#status = `${phase} ${step}/${steps} · ${this.#loss} ${loss.toFixed(3)} nats · ${pace}`;
    const due = step % STEPS_PER_LINE === 0 || step === steps || step === 1;
    this.#show(due ? `${this.#status}, ${this.#timeLeft} left` : undefined);
  }

  /** So many more tokens were looked at for `what`. */
  evaluated(what: string, tokens: number): void {
    this.#left.did("evaluate", tokens, this.#io.clock());
    const status = `validating: ${what}`;
    const isNew = this.#status !== status;
    this.#status = status;
    this.#show(isNew ? `${status}, ${this.#timeLeft} left` : undefined);
  }

  /** Something else took the time since the last call. */
  passed(): void {
    this.#left.skip(this.#io.clock());
  }

  /** Something happened that is worth a line; `short` stays beside the bar until the next. */
  note(line: string, short = line): void {
    this.#note = ` · ${short}`;
    this.#show(line);
  }

  /** A line that matters whoever watches. */
  say(line: string): void {
    this.#bar?.stop();
    this.#io.err(`${line}\n`);
    this.#bar?.start(100, Math.floor(100 * this.#left.fraction), this.#payload);
  }

  stop(): void {
    this.#bar?.update(100 * this.#left.fraction, this.#payload);
    this.#bar?.stop();
  }

  get #timeLeft(): string {
    const { seconds } = this.#left;
    return seconds === undefined ? "?" : duration(seconds);
  }

  get #payload() {
    return {
      percent: Math.floor(100 * this.#left.fraction),
      status: this.#status,
      note: this.#note,
      left: this.#timeLeft,
    };
  }

  #show(line: string | undefined): void {
    if (this.#bar) this.#bar.update(100 * this.#left.fraction, this.#payload);
    else if (line !== undefined) this.#io.err(`${line}\n`);
  }
}
