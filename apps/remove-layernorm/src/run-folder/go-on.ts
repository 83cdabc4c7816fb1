/** A run that is gone on with, and again wherever its device is lost. */
import { withDataFiles } from "../data/data-files.js";
import { survivingDeviceLoss } from "../engine/device-loss.js";
import { withoutChanges } from "../options/resume-changes.js";
import type { Io } from "../terminal/io.js";
import { newestCheckpointName } from "./run-folder.js";
import { lockedRun } from "./run-lock.js";

export interface Resumed<O> {
  readonly folder: string;
  readonly options: O;
  /** Options that change the run: once, however often its device is lost. */
  readonly changes: readonly string[];
}

/** The exit code of `resume`, which is called with the folder locked. */
export async function goOn<O extends object>(
  io: Io,
  { folder, options: asked, changes }: Resumed<O>,
  resume: (options: O) => Promise<number>,
): Promise<number> {
  const options = await withDataFiles(io, asked);
  const again = (wanted: O) => () => lockedRun(folder, () => resume(wanted));
  return survivingDeviceLoss(io, {
    start: again(options),
    resume: again(withoutChanges(options, changes)),
    newest: () => newestCheckpointName(folder),
  });
}
