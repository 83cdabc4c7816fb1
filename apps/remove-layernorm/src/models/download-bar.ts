/** How far a download is: a bar where somebody watches, a line at each tenth where nobody does. */
import { SingleBar } from "cli-progress";
import type { HubEvent } from "@normless/hub";
import { printable } from "@normless/text";
import { bytes } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";

/** What a model of the hub tells of itself, for people. */
export function showDownload(io: Io): (event: HubEvent) => void {
  let bar: DownloadBar | undefined;
  return (event) => {
    switch (event.type) {
      case "note":
        return io.err(`${event.text}\n`);
      case "download":
        io.err(`downloading ${event.model}, ${bytes(event.bytes)}, to ${event.folder}\n`);
        bar = new DownloadBar(io, event.bytes);
        return;
      case "progress":
        return bar?.update(event.file, event.bytes);
      case "end":
        return bar?.stop();
    }
  };
}

class DownloadBar {
  readonly #io: Io;
  readonly #total: number;
  readonly #bar: SingleBar | undefined;
  readonly #done = new Map<string, number>();
  #tenths = 0;

  /** `total` bytes of all files. */
  constructor(io: Io, total: number) {
    this.#io = io;
    this.#total = total;
    if (!io.terminal) return;
    this.#bar = new SingleBar({
      stream: io.terminal,
      format: "{bar} {percent}% · {file}",
      barCompleteChar: "━",
      barIncompleteChar: "─",
      barsize: 24,
      hideCursor: true,
      linewrap: false,
      gracefulExit: false,
    });
    this.#bar.start(total, 0, { file: "" });
  }

  /** Of `file`, `done` bytes are there. */
  update(file: string, done: number): void {
    this.#done.set(file, done);
    const shown = printable(file);
    const sum = [...this.#done.values()].reduce((a, b) => a + b, 0);
    if (this.#bar) return this.#bar.update(sum, { file: shown });
    const tenths = Math.floor((10 * sum) / this.#total);
    if (tenths === this.#tenths) return;
    this.#tenths = tenths;
    this.#io.err(`${shown}: ${10 * tenths}% of ${bytes(this.#total)}\n`);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
