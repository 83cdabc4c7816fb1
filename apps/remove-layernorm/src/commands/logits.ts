/** `normless logits`: logits, stds, loss and gradients of given tokens as a file, to compare with other software. */
import { writeSafetensors } from "@normless/safetensors";
import { compute, type Rows } from "../engine/compute.js";
import { type ModelOptions, withModel } from "../engine/device.js";
import { UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { checkJson, readJson } from "../json/json.js";
import { freezeAt, NORM_CONSTANTS } from "../models/norm-constants.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { checkResults, writeResult } from "../run-folder/result-file.js";
import { tokenRowsSchema } from "../json/schemas.js";
import { shippedModel } from "../models/shipped.js";

export interface LogitsOptions extends ModelOptions {
  readonly tokenIds: string;
  readonly norms?: string | undefined;
  readonly safetensors: string;
  readonly grads?: boolean | undefined;
}

const FORMATS = `
--token-ids holds rows of ids of one length, [[1,2,3],[4,5,6]], or {"tokens": rows, "targets": rows}. With --grads, rows
alone are inputs and targets at once: all ids but the last, and all but the first.
${NORM_CONSTANTS}

The file has, all float32: logits (B,T,V), std/<module> (B,T), and with --grads loss (), the
cross-entropy in nats a token, and grad/<parameter>.`;

export function logitsCommand(io: Io) {
  const own = command(
    "logits",
    "Logits, stds, and with --grads cross-entropy and gradients of given tokens, as a safetensors file",
    [
      "--model gpt2 --token-ids rows.json --safetensors logits.safetensors",
      "--model gpt2 --token-ids rows.json --norms frozen.json --grads --safetensors frozen.safetensors",
    ],
  )
    .addOption(shared.modelOption())
    .requiredOption("--token-ids <file.json>", "rows of token ids, see below")
    .requiredOption("--safetensors <file>", "all of it as tensors, into this file")
    .addOption(shared.normsOption)
    .option("--grads", "the cross-entropy and every gradient, too");
  return addEngine(own)
    .addHelpText("after", FORMATS)
    .action((options) => writeLogits(io, options));
}

export async function writeLogits(io: Io, options: LogitsOptions): Promise<void> {
  const { grads = false, model = shippedModel() } = options;
  const inputs = inputsOf({ ...options, model });
  const { "--safetensors": path } = await checkResults({ "--safetensors": options.safetensors }, inputs);
  const rows = await readRows(options.tokenIds, grads);
  await withModel(io, options, async ({ device }) => {
    const norms = await freezeAt(options.norms, device);
    const entries = await compute({ ...device, norms }, rows, grads);
    await writeResult(io, path, writeSafetensors(entries), `${entries.length} tensors`);
  });
}

async function readRows(path: string, grads: boolean): Promise<Rows> {
  const json = checkJson(path, tokenRowsSchema, await readJson(path));
  const given = Array.isArray(json) ? { tokens: json, targets: undefined } : json;
  const shift = grads && !given.targets;
  const tokens = shift ? given.tokens.map((row) => row.slice(0, -1)) : given.tokens;
  const targets = shift ? given.tokens.map((row) => row.slice(1)) : given.targets;
  const [{ length: T }] = tokens;
  if (T === 0) throw new UsageError(`${path}: with --grads a row needs 2 ids, an input and its target`);
  for (const [name, list] of Object.entries({ tokens, targets: targets ?? [] })) {
    const row = list.findIndex(({ length }) => length !== T);
    if (row < 0) continue;
    throw new UsageError(
      `${path}: row ${row} of the ${name} has ${list[row].length} ids, and the first row ${T}`,
    );
  }
  if (targets && targets.length !== tokens.length) {
    throw new UsageError(
      `${path}: there are ${tokens.length} rows of tokens and ${targets.length} of targets`,
    );
  }
  const flat = (list: number[][]) => Int32Array.from(list.flat());
  return { inputs: flat(tokens), targets: targets && flat(targets), B: tokens.length, T };
}
