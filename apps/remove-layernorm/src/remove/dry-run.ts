/** What `remove --dry-run` shows. */
import { parameterCount, untieHead } from "@normless/gpt2";
import { validationLoss } from "@normless/evaluate";
import {
  describeFirstPosition,
  firstPositionOf,
  forwardTokens,
  measureStds,
  removeLayerNorm,
  sinkWarning,
} from "@normless/removal";
import { EXIT } from "../errors.js";
import { removalDisk } from "../run-folder/disk-use.js";
import { estimateRows } from "../terminal/estimate-text.js";
import type { Io } from "../terminal/io.js";
import { planText } from "../terminal/tables.js";
import { type RemoveJob, workOf } from "./remove-job.js";

/** The plan, and what it will take; nothing is written. */
export async function showPlan(io: Io, out: string, input: Omit<RemoveJob, "openFolder">): Promise<number> {
  const events = removeLayerNorm(input);
  const { value: planned } = await events.next();
  await events.return();
  if (planned?.type !== "plan") throw new Error("the run did not begin with its plan");
  const { model, recipe, recompute = false } = input;
  const { norms } = model;
  const { config, weights } = recipe.untieHead ? untieHead(model) : model;
  const { auxiliaryWeight } = recipe;
  const distilled = recipe.loss === "distillation";
  const measuring = { auxiliaryWeight, measure: measureStds, validate: validationLoss };
  const training = { ...input, config, weights, norms, distilled, ...measuring };
  const first = await firstPositionOf(training, recipe);
  // As it is trained, and in both forms, as they are written and as they are read back.
  const models = 5;
  const disk = removalDisk(planned, model);
  const work = { train: workOf(planned).train, evaluate: forwardTokens(planned) };
  const estimated = await estimateRows(io, { training, work, disk, models, out });
  const more = [...estimated, ...(first ? [["residuals", describeFirstPosition(first)] as const] : [])];
  const facts = { parameters: parameterCount(model.weights), recompute, norms, more };
  io.out(await planText(io, planned, facts));
  const warning = first && sinkWarning(first, recipe);
  if (warning !== undefined) io.err(`${warning}\n`);
  return EXIT.ok;
}
