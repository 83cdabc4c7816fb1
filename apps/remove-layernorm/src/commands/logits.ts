/** `normless logits`: logits, stds, loss and gradients of given tokens as a file, to compare with other software. */
import { evaluate, valueAndGrad } from "@normless/autograd";
import {
  atNormInputs,
  checkFinite,
  elementOf,
  forward,
  freeTokens,
  type Model,
  OVERFLOW_ADVICE,
  trainingLoss,
  uploadTargets,
  uploadTokens,
} from "@normless/gpt2";
import { type TensorEntry, writeSafetensors } from "@normless/safetensors";
import type { Tensor } from "@normless/tensor";
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

/** Inside the square root of a std, whatever epsilon the model's own norms have. */
const STD_EPS = 1e-5;

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

interface Rows {
  readonly inputs: Int32Array;
  readonly targets: Int32Array | undefined;
  readonly B: number;
  readonly T: number;
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

async function compute(
  model: Model,
  { inputs, targets, B, T }: Rows,
  grads: boolean,
): Promise<TensorEntry[]> {
  const { config, params, norms } = model;
  const { backend } = params["wte.weight"];
  const tokens = uploadTokens(backend, config, { inputs, B, T });
  const entries: TensorEntry[] = [];
  /** Reads a tensor of ours and frees it. */
  const take = async (name: string, tensor: Tensor) => {
    const { shape } = tensor;
    const data = Float32Array.from(await tensor.read());
    tensor.free();
    checkFinite(data, { what: `"${name}"`, place: elementOf(shape), advice: OVERFLOW_ADVICE });
    entries.push({ name, dtype: "F32", shape, data });
  };
  const stds: [string, Tensor][] = [];
  const logits = evaluate(
    (variables) =>
      forward({ config, params: variables, norms }, tokens, {
        hooks: atNormInputs(config, (module, { tensor: x }) => {
          stds.push([`std/${module}`, backend.run("rowStd", { x }, { eps: STD_EPS }).std]);
        }),
      }),
    params,
  );
  await take("logits", logits);
  for (const [name, std] of stds) await take(name, std);
  if (grads && targets) {
    const ids = uploadTargets(backend, config, targets, T);
    const { value, grads: gradients } = valueAndGrad(
      (variables) =>
        trainingLoss({ config, params: variables, norms }, tokens, ids, { totalTokens: B * T }).total,
      params,
    );
    await take("loss", value);
    for (const [name, gradient] of Object.entries(gradients)) await take(`grad/${name}`, gradient);
    ids.free();
  }
  freeTokens(tokens);
  return entries;
}
