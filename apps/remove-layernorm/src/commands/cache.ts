/** `normless cache`: chosen tensors of a forward pass, as a file. */
import { blockHooks, type HookName, type Model, withFrozenNames } from "@normless/gpt2";
import { matchingNames, runWithCache } from "@normless/interpret";
import { type TensorEntry, writeSafetensors } from "@normless/safetensors";
import { type ModelOptions, type ModelOnDevice, withModel } from "../engine/device.js";
import { UsageError, within } from "../errors.js";
import { checkJson, readJson } from "../json/json.js";
import { tokenRowsSchema } from "../json/schemas.js";
import { asking, fittingIds, needTokenizer } from "../look-inside/asked.js";
import { shippedModel } from "../models/shipped.js";
import { listArgument } from "../options/arguments.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { besideJson, checkResults, writeJsonResult, writeResult } from "../run-folder/result-file.js";
import type { Io } from "../terminal/io.js";
import { compact } from "../report/page/format.js";
import { table } from "../terminal/table.js";

export interface CacheOptions extends ModelOptions {
  readonly names: readonly string[];
  readonly prompt?: readonly string[] | undefined;
  readonly tokenIds?: string | undefined;
  readonly safetensors: string;
  readonly json?: string | undefined;
}

/** A tensor that was written, and what its numbers are like; those that are not finite, as masked scores, do not count. */
export interface CachedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly lowest: number;
  readonly mean: number;
  readonly highest: number;
  readonly notFinite: number;
}

const WHAT = `
Names are TransformerLens's. A * stands for any part: blocks.*.attn.hook_pattern, blocks.0.*, *hook_resid_post. Beside the blocks'
there are hook_embed, hook_pos_embed, ln_final.hook_scale and ln_final.hook_normalized. Those of a block, after blocks.0. and so on:
  ${blockHooks.slice(0, 6).join(" ")}
  ${blockHooks.slice(6, 12).join(" ")}
  ${blockHooks.slice(12).join(" ")}
A norm that is folded into the weights has none. Rows are of one length: texts by --prompt, or --token-ids, [[1,2,3],[4,5,6]].
The file has each tensor under its name in float32, and the rows as tokens (B,T) in int32.`;

export function cacheCommand(io: Io) {
  const own = command(
    "cache",
    "Chosen tensors of a forward pass, by TransformerLens's names, as a safetensors file",
    [
      "--names 'blocks.*.attn.hook_pattern' --prompt \"My fellow citizens\" --safetensors patterns.safetensors",
      "--model gpt2 --names 'blocks.3.*' ln_final.hook_scale --token-ids rows.json --safetensors block-3.safetensors",
    ],
  )
    .addOption(shared.modelOption())
    .requiredOption("--names <names...>", "the tensors, by names and patterns, see below", listArgument)
    .option("--prompt <text...>", shared.promptOption().description)
    .option("--token-ids <file.json>", "rows of token ids, see below")
    .requiredOption("--safetensors <file>", "all of it as tensors, into this file")
    .addOption(shared.jsonOption);
  return addEngine(own)
    .addHelpText("after", WHAT)
    .action((options) => writeCache(besideJson(io, options.json), options));
}

export async function writeCache(io: Io, options: CacheOptions): Promise<void> {
  const { model = shippedModel(), tokenIds, prompt } = options;
  if ((tokenIds === undefined) === (prompt === undefined)) {
    throw new UsageError(
      "the model runs on rows of text or of token ids; give one of --prompt and --token-ids",
    );
  }
  const results = await checkResults(
    { "--safetensors": options.safetensors, "--json": options.json },
    inputsOf({ ...options, model }),
  );
  await withModel(io, options, async (on) => {
    const rows = await rowsOf(on, options);
    const { config, norms } = withFrozenNames(on.loaded);
    const device: Model = { config, norms, params: on.device.params };
    const names = await asking(() => matchingNames(device, options.names));
    const written: CachedTensor[] = [];
    const entries = await asking(() => entriesOf(device, rows, names, written));
    await writeResult(io, results["--safetensors"], writeSafetensors(entries), `${entries.length} tensors`);
    io.out(
      table(
        io,
        ["tensor", "shape", "lowest", "mean", "highest"],
        written.map(({ name, shape, lowest, mean, highest, notFinite }) => [
          notFinite > 0 ? `${name} (${notFinite} not finite)` : name,
          shape.join(" × "),
          ...[lowest, mean, highest].map(compact),
        ]),
      ),
    );
    if (results["--json"] !== undefined) {
      await writeJsonResult(io, results["--json"], { model: on.name, rows, tensors: written });
    }
  });
}

async function rowsOf({ name, loaded }: ModelOnDevice, options: CacheOptions): Promise<number[][]> {
  const { tokenIds, prompt = [] } = options;
  if (tokenIds === undefined) {
    const tokenizer = needTokenizer(name, loaded);
    return prompt.map((text) => fittingIds(tokenizer, text, loaded.config));
  }
  const json = checkJson(tokenIds, tokenRowsSchema, await readJson(tokenIds));
  const rows = Array.isArray(json) ? json : json.tokens;
  const { vocabSize } = loaded.config;
  for (const [r, row] of rows.entries()) {
    const none = row.find((id) => id >= vocabSize);
    if (none === undefined) continue;
    throw new UsageError(`${tokenIds}: row ${r} has the id ${none}, and the model's go to ${vocabSize - 1}`);
  }
  return within(tokenIds, () => rows);
}

/** The rows and the tensors, each read when the file comes to it and freed after that. */
function entriesOf(
  model: Model,
  rows: readonly (readonly number[])[],
  names: readonly HookName[],
  written: CachedTensor[],
): TensorEntry[] {
  const { logits, cache } = runWithCache(model, rows, names);
  logits.free();
  const shape = [rows.length, rows[0].length];
  return [
    { name: "tokens", dtype: "I32", shape, data: Int32Array.from(rows.flat()) },
    ...names.map((name): TensorEntry => {
      const tensor = cache[name];
      const data = async () => {
        const values = Float32Array.from(await tensor.read());
        tensor.free();
        written.push({ name, shape: [...tensor.shape], ...figuresOf(values) });
        return values;
      };
      return { name, dtype: "F32", shape: [...tensor.shape], data };
    }),
  ];
}

function figuresOf(values: Float32Array): Omit<CachedTensor, "name" | "shape"> {
  let [lowest, highest, sum, finite] = [Infinity, -Infinity, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
    sum += value;
    finite++;
  }
  return { lowest, mean: sum / finite, highest, notFinite: values.length - finite };
}
