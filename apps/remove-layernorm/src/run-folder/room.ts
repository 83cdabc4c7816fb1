/** Whether a run has room on this machine, before it begins: in memory, and on the disk of its folder. */
import { totalmem } from "node:os";
import { type Gpt2Config, type NormTable, parameterShapes } from "@normless/gpt2";
import { sizeOf } from "@normless/tensor";
import { UsageError } from "../errors.js";
import { bytes, thousands } from "../terminal/format.js";
import { type DiskUse, freeBytes } from "./disk-use.js";

const FLOAT32 = 4;
/** What is in memory for each parameter of a training, whatever its updates are: weights, and AdamW's two moments. */
const KEPT = 3;

/** Bytes of memory that this process may have: the machine's, or what a container allows. */
export function memoryBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** Bytes that a training of a shape takes at the least, and that of its parameters. */
export function leastMemory(
  config: Gpt2Config,
  norms: NormTable | true,
): { parameters: number; needed: number } {
  const sizes = Object.values(parameterShapes(config, { norms })).map(sizeOf);
  const parameters = sizes.reduce((sum, size) => sum + size, 0);
  return { parameters, needed: KEPT * FLOAT32 * parameters };
}

/** @throws UsageError with the figures, where the weights and moments alone are more than the machine's memory. */
export function checkMachine(config: Gpt2Config, norms: NormTable | true = true): void {
  const { parameters, needed } = leastMemory(config, norms);
  const there = memoryBytes();
  if (needed <= there) return;
  throw new UsageError(
    `a model of ${thousands(parameters)} parameters takes ${bytes(needed)} of memory for its weights and AdamW's moments ` +
      `alone, and this machine has ${bytes(there)}; take a smaller one`,
  );
}

/** Bytes that a run writes: two checkpoints, and what it ends with. */
export const diskBytes = ({ checkpoint, models }: DiskUse): number => 2 * checkpoint + models;

/** @throws UsageError with the figures, where the disk of a new run's folder has not room for what it will write. */
export async function checkDisk(out: string, disk: DiskUse): Promise<void> {
  const parts = `two checkpoints of ${bytes(disk.checkpoint)}, models of ${bytes(disk.models)}`;
  await checkFree(
    out,
    diskBytes(disk),
    `the run will write ${bytes(diskBytes(disk))} into ${out} (${parts})`,
  );
}

/** The same of the runs of a sweep that are to come. */
export async function checkDiskOfAll(out: string, disks: readonly DiskUse[]): Promise<void> {
  const needed = disks.reduce((sum, disk) => sum + diskBytes(disk), 0);
  await checkFree(out, needed, `the ${disks.length} runs to come will write ${bytes(needed)} into ${out}`);
}

async function checkFree(out: string, needed: number, what: string): Promise<void> {
  const free = await freeBytes(out);
  if (free === undefined || needed <= free) return;
  throw new UsageError(
    `${what}, and ${bytes(free)} are free on its disk; free some space, or choose another folder: --out DIR`,
  );
}
