/**
 * A run's events as TensorBoard's: one more consumer of the stream that metrics.jsonl is made from. Each phase is a run
 * of its own in TensorBoard, so that the control and the removal are drawn over each other.
 */
import { appendFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolder } from "@normless/safetensors/node";
import { POSITION_CLASSES } from "@normless/tensor";
import { describeChanges, describeRemoval, type LookEvent, type RunEvent } from "@normless/removal";
import type { TrainEvent } from "@normless/train";
import { type PositionRange, rangeName } from "@normless/evaluate";
import { fileVersion, type Moment, record, scalars, sessionStart, text } from "./tfevents.js";

export interface TensorboardWriter {
  /** Appends what the event tells, if anything. */
  take(event: RunEvent | TrainEvent): Promise<void>;
}

/**
 * Writes into a folder for each phase inside `folder`. A process that goes on with a run begins files of its own, which
 * void what earlier ones say of the same steps.
 */
export function tensorboardWriter(folder: string, now: () => Date): TensorboardWriter {
  const files = new Map<string, string>();
  /** Events without a phase or step belong to the last step seen. */
  let phase = "validation";
  let step = 0;

  const write = async (...events: readonly ((moment: Moment) => Uint8Array)[]): Promise<void> => {
    const moment = { seconds: now().getTime() / 1000, step };
    const records = events.map((event) => record(event(moment)));
    let path = files.get(phase);
    if (path === undefined) {
      const stamp = String(Math.floor(moment.seconds)).padStart(10, "0");
      path = join(folder, phase, `events.out.tfevents.${stamp}.${hostname()}.${process.pid}`);
      files.set(phase, path);
      await makeFolder(join(folder, phase));
      records.unshift(record(fileVersion(moment.seconds)), record(sessionStart(moment)));
    }
    await appendFile(path, Buffer.concat(records));
  };

  return {
    async take(event) {
      switch (event.type) {
        case "step": {
          ({ phase, step } = event);
          const { loss, gradNorm, learningRate, tokensPerSecond } = event;
          const auxiliary = "auxiliary" in event ? event.auxiliary : undefined;
          const values = {
            loss,
            ...(auxiliary !== undefined && { auxiliary_loss: auxiliary }),
            gradient_norm: gradNorm,
            learning_rate: learningRate,
            tokens_per_second: tokensPerSecond,
          };
          return write((moment) => scalars(moment, values));
        }
        case "removal": {
          phase = "removal";
          ({ step } = event);
          const { removal, std, damage } = event;
          const what = describeRemoval(removal);
          const constants = std ? byClass(`frozen_std/${what}`, std) : {};
          const cost: Record<string, number> = damage === undefined ? {} : { removal_cost: damage };
          return write(
            (moment) => scalars(moment, { removal: 1, ...cost, ...constants }),
            (moment) => text(moment, "removal", what),
          );
        }
        case "change":
          ({ phase, step } = event);
          return write((moment) => text(moment, "change", describeChanges(event.changes)));
        case "eval":
          if ("step" in event) ({ step } = event);
          return write((moment) =>
            scalars(moment, {
              ["model" in event ? `validation_loss/${event.model}` : "validation_loss"]: event.loss,
            }),
          );
        case "look":
          ({ phase, step } = event);
          return write((moment) => scalars(moment, lookScalars(event)));
        case "stds": {
          const stds = Object.entries(event.stds).map(([module, std]) =>
            byClass(`std_${event.model}/${module}`, std),
          );
          return write((moment) => scalars(moment, Object.assign({}, ...stds) as Record<string, number>));
        }
        case "first-position":
        case "plan":
        case "progress":
        case "sample":
        case "fold":
        case "control":
        case "checkpoint":
        case "done":
          return;
      }
    },
  };
}

/** Loss and KL by row kind and range (`kl_plain/2-7`), stds by row kind, module and class (`std_plain/h.0.ln_1/first`). */
function lookScalars({ kinds }: LookEvent): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { kind, all, ranges, stds } of kinds) {
    const places = [["all", all] as const, ...ranges.map((one) => [tagOf(one.range), one] as const)];
    for (const [name, { loss, kl }] of places) {
      values[`loss_${kind}/${name}`] = loss;
      if (kl !== undefined) values[`kl_${kind}/${name}`] = kl;
    }
    for (const [module, std] of Object.entries(stds)) {
      for (const [name, value] of Object.entries(std)) values[`std_${kind}/${module}/${name}`] = value;
    }
  }
  return values;
}

/** A range as TensorBoard's tags take it. */
const tagOf = (range: PositionRange): string => rangeName(range).replace("–", "-");

/** One value a position class, under tags of their own. */
function byClass(
  tag: string,
  std: Readonly<Record<(typeof POSITION_CLASSES)[number], number>>,
): Record<string, number> {
  return Object.fromEntries(POSITION_CLASSES.map((name) => [`${tag}/${name}`, std[name]]));
}
