/** What `--dry-run` says of time, memory and disk, after an update and a batch of validation that are really done. */
import { parameterCount } from "@normless/gpt2";
import { timeTraining, type TimedTraining } from "@normless/train";
import { CountLine } from "./counter.js";
import { type DiskUse, freeBytes } from "../run-folder/disk-use.js";
import { diskBytes } from "../run-folder/room.js";
import { bytes, duration } from "./format.js";
import type { Io } from "./io.js";
import type { Work } from "./time-left.js";

export interface DryRun {
  readonly training: TimedTraining;
  /** Tokens of the whole run. */
  readonly work: Work;
  readonly disk: DiskUse;
  /** How many models the process holds at its end besides its last checkpoint's state. */
  readonly models: number;
  /** The run folder. */
  readonly out: string;
}

/** Rows for a table of facts. */
export async function estimateRows(
  io: Io,
  { training, work, disk, models, out }: DryRun,
): Promise<[name: string, text: string][]> {
  const { recipe, weights } = training;
  const line = new CountLine(io);
  line.show("timing an update and a batch of validation, on a copy that is thrown away");
  let resident = 0;
  const timings = await timeTraining(training, () => {
    // In kilobytes of 1024 bytes, on every system.
    resident = process.resourceUsage().maxRSS * 1024;
  }).finally(() => line.stop());
  const updates = work.train / (recipe.batchSize * recipe.blockSize);
  const trained = updates * timings.updateSeconds;
  const validated = work.evaluate * timings.validationSeconds;
  const update = Number(timings.updateSeconds.toPrecision(2));
  const end = models * parameterCount(weights) * Float32Array.BYTES_PER_ELEMENT;
  const free = await freeBytes(out);
  return [
    [
      "time",
      `about ${duration(trained + validated)}: training ${duration(trained)} (${update}s an update), ` +
        `validation ${duration(validated)}`,
    ],
    ["process", `about ${bytes(Number((resident + end).toPrecision(2)))} of memory at the height of the run`],
    [
      "disk",
      `about ${bytes(diskBytes(disk))}: two checkpoints of ${bytes(disk.checkpoint)} (a third while a loss has diverged), ` +
        `models of ${bytes(disk.models)}${free === undefined ? "" : `; ${bytes(free)} are free`}`,
    ],
  ];
}
