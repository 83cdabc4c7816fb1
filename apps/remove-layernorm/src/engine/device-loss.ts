/** A GPU can go away in the middle of a run (a driver's restart, sleep). The run then goes on from its last checkpoint. */
import { DeviceLostError } from "@normless/tensor";
import { messageOf } from "../errors.js";
import type { Io } from "../terminal/io.js";

export interface Attempts {
  readonly start: () => Promise<number>;
  /** From the newest checkpoint, on a new device. */
  readonly resume: () => Promise<number>;
  /** Names the newest checkpoint; undefined before the first. */
  readonly newest: () => Promise<string | undefined>;
}

/**
 * The exit code of the attempt that came through.
 * @throws the error of an attempt that failed for another reason, or got no further than the one before it.
 */
export async function survivingDeviceLoss(io: Io, { start, resume, newest }: Attempts): Promise<number> {
  let began: string | undefined;
  let attempt = start;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const reached = await newest();
      if (!isDeviceLoss(error) || reached === undefined || reached === began) throw error;
      io.err(`${messageOf(error)}\nGoing on from ${reached}.\n`);
      began = reached;
      attempt = resume;
    }
  }
}

function isDeviceLoss(error: unknown): boolean {
  if (error instanceof DeviceLostError) return true;
  return error instanceof Error && error.cause !== undefined && isDeviceLoss(error.cause);
}
