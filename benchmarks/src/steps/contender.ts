/** A process that takes training steps, in turns with others: ours by engine, or PyTorch's. */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import type { Gpt2Config } from "@normless/gpt2";
import type { Context } from "../harness/context.js";
import { LineProcess } from "../harness/line-process.js";
import { startPyTorchForms } from "../peers/pytorch.js";
import type { Form } from "../results/results.js";
import { aboutSchema, type LoadRequest, okSchema, peakSchema, stepSchema } from "./protocol.js";
import { batchNumber, type optimizerSettings, type StepBatch } from "./stepper.js";

export interface StepContender {
  readonly engine: string;
  readonly threads: number;
  /** PyTorch's. */
  readonly form?: Form;
  readonly process: LineProcess;
}

export interface StepTask {
  readonly config: Gpt2Config;
  readonly B: number;
  readonly T: number;
  /** The model folder that everyone starts from. */
  readonly folder: string;
}

/** The model's own weights and a fresh optimizer, whatever there was before. */
export async function load(
  { process }: StepContender,
  { config, folder }: StepTask,
  optimizer: typeof optimizerSettings,
): Promise<void> {
  const weights = join(folder, "model.safetensors");
  await process.ask(okSchema, { op: "load", config, weights, optimizer } satisfies LoadRequest);
}

/** One of our engines, without a model yet. */
export async function ourContender(engine: string, threads: number): Promise<StepContender> {
  const script = fileURLToPath(new URL("./step.js", import.meta.url));
  const child = new LineProcess(`${engine}, ${threads} threads`, process.execPath, [script]);
  await child.ask(aboutSchema, { op: "start", engine, threads });
  return { engine, threads, process: child };
}

/** PyTorch, the same, in every form that there is here. */
export async function pytorchContenders(context: Pick<Context, "threads" | "say">): Promise<StepContender[]> {
  const started = await startPyTorchForms(context);
  return started.map(({ form, process }) => ({ engine: "pytorch", threads: context.threads, form, process }));
}

/** The loss before the update and the milliseconds it took, for the batch of that number. */
export function takeStep({ process }: StepContender, number: number, task: StepTask) {
  const { inputs, targets, B, T }: StepBatch = batchNumber(number, task);
  return process.ask(stepSchema, { op: "step", B, T, inputs: [...inputs], targets: [...targets] });
}

/** Bytes; undefined where the system does not tell. */
export async function peakOf({ process }: StepContender): Promise<number | undefined> {
  return (await process.ask(peakSchema, { op: "peak" })).bytes;
}
