/** A sweep under way: its runs one after the other, and its table and page after each. */
import { join } from "node:path";
import type { RemoveOptions } from "../remove/options.js";
import { type EndingSignal, EXIT, SIGNAL_EXIT } from "../errors.js";
import { difference, duration } from "../terminal/format.js";
import { quit } from "../terminal/interrupt.js";
import type { Io } from "../terminal/io.js";
import type { OutputPath } from "../options/outputs.js";
import { checkDiskOfAll } from "../run-folder/room.js";
import { table } from "../terminal/table.js";
import type { AskedArm } from "./arms.js";
import { execute, standing } from "./execute.js";
import { type RunFigures, type SweepFigures, sweepFigures } from "./figures.js";
import { gridMarkdown, sweepGrids } from "./grids.js";
import { jsonFigures, renderSweep } from "./page.js";
import {
  type Manner,
  SWEEP_JSON,
  SWEEP_MARKDOWN,
  SWEEP_PAGE,
  type SweepRecord,
  type SweepRun,
  writeText,
} from "./record.js";

/** How many, from each recipe's own on, or which; as it was typed. */
export type Seeds = { readonly text: string } & (
  { readonly count: number; readonly list?: undefined } | { readonly list: readonly number[] }
);

export interface SweepJob {
  readonly out: OutputPath;
  readonly arms: readonly AskedArm[];
  readonly seeds: Seeds;
  readonly manner: Manner;
  /** Of every run, but for model, recipe and seed. */
  readonly options: Omit<RemoveOptions, "model" | "recipe" | "seed">;
  /** What to type to go on. */
  readonly command: string;
  /** What the folder holds already. */
  readonly there: SweepRecord | undefined;
}

interface PlannedRun {
  readonly run: SweepRun;
  readonly asked: AskedArm;
}

export class Sweep {
  readonly #io: Io;
  readonly #job: SweepJob;
  #record: SweepRecord;
  readonly #planned: readonly PlannedRun[];
  #stopping: EndingSignal | undefined;

  constructor(io: Io, job: SweepJob) {
    this.#io = io;
    this.#job = job;
    const { arms, there, manner } = job;
    this.#planned = plannedRuns(job);
    const own = arms.map(({ arm }) => arm);
    const isOwn = (model: string, recipe: string) =>
      own.some((arm) => arm.model === model && arm.recipe === recipe);
    const known = (there?.arms ?? []).filter(({ model, recipe }) => !isOwn(model, recipe));
    const folders = this.#planned.map(({ run }) => run.folder);
    const before = (there?.runs ?? []).filter(({ folder }) => !folders.includes(folder));
    const runs = [...before, ...this.#planned.map(({ run }) => run)];
    this.#record = { manner, arms: [...known, ...own], runs };
  }

  /** The exit code. @throws UsageError where the disk has no room for the runs to come */
  async run(): Promise<number> {
    const toCome = this.#planned.filter(({ run }) => run.state === "to come");
    await checkDiskOfAll(
      this.#job.out,
      toCome.map(({ asked }) => asked.disk),
    );
    const release = this.#io.onInterrupt((signal) => {
      if (this.#stopping) return quit(this.#io, signal);
      this.#stopping = signal;
    });
    try {
      let figures = await this.#write();
      for (const [i, planned] of this.#planned.entries()) {
        const { folder } = planned.run;
        if (this.#stopping) break;
        if (await this.#isLost(folder)) continue;
        await this.#execute(planned, `run ${i + 1} of ${this.#planned.length}`);
        figures = await this.#write();
        this.#sayRun(figures, folder);
      }
      this.#say(figures);
      const states = this.#planned.map(({ run: { folder } }) => this.#stateOf(folder).state);
      if (states.some((state) => state === "stopped" || state === "to come")) {
        this.#io.err(`the sweep is stopped. To go on with it:\n  ${this.#job.command}\n`);
        return SIGNAL_EXIT[this.#stopping ?? "SIGINT"];
      }
      return states.every((state) => state === "finished") ? EXIT.ok : EXIT.failed;
    } finally {
      release();
    }
  }

  /** One that lost its numbers would lose them again; unless somebody took it away to try. */
  async #isLost(folder: string): Promise<boolean> {
    const isDiverged = this.#stateOf(folder).state === "diverged";
    return isDiverged && (await standing(join(this.#job.out, folder))) !== "new";
  }

  #stateOf(folder: string): SweepRun {
    const found = this.#record.runs.find((run) => run.folder === folder);
    if (!found) throw new Error(`there is no run ${folder} in the sweep`);
    return found;
  }

  async #execute({ run, asked }: PlannedRun, place: string): Promise<void> {
    const { out, options } = this.#job;
    const { model, recipe, seed, folder } = run;
    this.#io.err(
      `${this.#io.colors.bold(place)}: ${recipe} on ${model}, seed ${seed}, in ${out}/${folder}\n`,
    );
    const io: Io = {
      ...this.#io,
      // What was asked for while the run was being read is asked of it as soon as it listens.
      onInterrupt: (handler) => {
        if (this.#stopping) handler(this.#stopping);
        return this.#io.onInterrupt(handler);
      },
    };
    const forRun = { ...options, model: asked.model, recipe: asked.recipe, seed };
    const outcome = await execute(io, { out, run, arm: asked.arm, options: forRun });
    const { state, error } = outcome;
    if (error !== undefined) this.#io.err(`${this.#io.colors.red(state)}: ${error}\n`);
    const runs = this.#record.runs.map((one): SweepRun => {
      const { error: _before, ...rest } = one;
      return one.folder === folder ? { ...rest, ...outcome } : one;
    });
    this.#record = { ...this.#record, runs };
  }

  /** The record, and what it comes to so far. */
  async #write(): Promise<SweepFigures> {
    const { out, command } = this.#job;
    const record = this.#record;
    const figures = await sweepFigures(out, record);
    const json = { ...record, ...jsonFigures(figures), command };
    await writeText(out, SWEEP_JSON, `${JSON.stringify(json, undefined, 2)}\n`);
    const { recipes, firstPosition, positions, runs } = sweepGrids(figures);
    const grids = [recipes, firstPosition, ...positions, runs].map(gridMarkdown);
    await writeText(out, SWEEP_MARKDOWN, `# Recipes, over seeds\n\n${grids.join("\n")}`);
    await writeText(out, SWEEP_PAGE, renderSweep({ record, figures, command }));
    return figures;
  }

  #sayRun({ groups }: SweepFigures, folder: string): void {
    const run = groups.flatMap(({ runs }) => runs).find((one) => one.folder === folder);
    if (run?.state === "finished") this.#io.err(`${runText(run)}\n`);
  }

  #say(figures: SweepFigures): void {
    const { colors } = this.#io;
    const { recipes, firstPosition, runs } = sweepGrids(figures);
    for (const { title, head, rows, names, note } of [recipes, firstPosition, runs]) {
      this.#io.out(`\n${colors.bold(title)}\n${table(this.#io, head, rows, names)}`);
      if (note !== "") this.#io.out(`${note}\n`);
    }
    const { out } = this.#job;
    this.#io.out(
      `\nWrote ${colors.bold(`${out}/${SWEEP_PAGE}`)}: the same as a page, and by position; ${SWEEP_MARKDOWN} as Markdown, ${SWEEP_JSON} as data\n`,
    );
  }
}

/** `done in 2m10s: +0.0225 …`: what a run came to, in a line. */
function runText({ figures, seconds = 0 }: RunFigures): string {
  const { toOriginal } = figures ?? {};
  const over =
    toOriginal === undefined ? "" : `: cross-entropy ${difference(toOriginal)} nats over the original`;
  return `done in ${duration(seconds)}${over}`;
}

/** Seed by seed, so that all recipes can be compared early. */
function plannedRuns({ arms, seeds, there }: SweepJob): PlannedRun[] {
  const seedsOf = ({ seed }: AskedArm) =>
    seeds.list ?? Array.from({ length: seeds.count }, (_, i) => seed + i);
  const most = Math.max(...arms.map((arm) => seedsOf(arm).length));
  return Array.from({ length: most }, (_, i) => i).flatMap((i) =>
    arms.flatMap((asked): PlannedRun[] => {
      const seed = seedsOf(asked).at(i);
      if (seed === undefined) return [];
      const { model, recipe } = asked.arm;
      const folder = `${model}-${recipe}-${seed}`;
      const before = there?.runs.find((run) => run.folder === folder);
      return [{ asked, run: before ?? { model, recipe, seed, folder, state: "to come" } }];
    }),
  );
}
