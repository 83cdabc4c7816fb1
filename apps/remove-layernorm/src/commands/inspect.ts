/** `normless inspect`: which norms a model has, and the std of the residual that each of them reads. */
import type { ColumnOptions } from "@normless/data";
import { describeLayout, moduleOf, normSites, parameterCount, withFrozenNames } from "@normless/gpt2";
import { isUniform, kindOf, type Norm } from "@normless/layernorm";
import { type PerClass, POSITION_CLASSES } from "@normless/tensor";
import { measureModel } from "@normless/evaluate";
import { corpusFile, readCorpus } from "../data/corpus.js";
import { rowOptions, withDataFiles } from "../data/data-files.js";
import { type ModelOptions, withModel } from "../engine/device.js";
import { UsageError } from "../errors.js";
import { thousands } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as shared from "../options/options.js";
import { table } from "../terminal/table.js";

export interface InspectOptions extends ModelOptions, ColumnOptions {
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
}

/** Sequences that are measured at once, and where nobody says how many tokens, in all. */
const BATCH_SIZE = 16;
const SEQUENCES = 128;
/** Inside the square root of a std, whatever epsilon the model's own norms have. */
const STD_EPS = 1e-5;

export function inspectCommand(io: Io) {
  const own = command(
    "inspect",
    "The norms that a model has, and the std at each of them by position class",
    ["", "--model runs/gpt2/ln-free-gpt2 --data val.bin"],
  )
    .addOption(shared.modelOption())
    .addOption(shared.dataOption("the val tokens in the model's folder, if any"))
    .addOption(shared.tokensOption(`those of ${SEQUENCES} sequences`))
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption());
  return addEngine(own).action(async (options) => inspect(io, await withDataFiles(io, options)));
}

export async function inspect(io: Io, options: InspectOptions): Promise<void> {
  await withModel(io, options, async ({ name, path, loaded, device }) => {
    const { config, norms, weights, tokenizer } = loaded;
    const found = corpusFile(path, "val");
    const files = options.data ?? (found === undefined ? [] : [found]);
    let stds: Readonly<Record<string, PerClass>> | undefined;
    if (files.length > 0) {
      const { tokens: count = SEQUENCES * config.blockSize } = options;
      const limits = { ...rowOptions(files, options), tokens: count + 1 };
      const tokens = await readCorpus(files, { vocabSize: config.vocabSize, tokenizer, io }, limits);
      if (tokens.length < 3)
        throw new UsageError(`${files.join(", ")}: 3 tokens are needed to measure a std`);
      const measured = { ...device, config: { ...config, eps: STD_EPS } };
      const sizes = { batchSize: BATCH_SIZE, blockSize: config.blockSize, batches: Infinity };
      stds = await measureModel(measured, tokens, sizes);
    }
    io.out(
      `${name}: ${config.layers} layers, ${config.channels} channels, ${config.heads} heads, context ` +
        `${config.blockSize}, vocabulary ${config.vocabSize}, ${thousands(parameterCount(weights))} parameters\n` +
        `layout: ${describeLayout(loaded.layout)}\n`,
    );
    const named = withFrozenNames(loaded).norms;
    const rows = normSites(config).map((site) => [
      site,
      `${describeNorm(named[site])}${named[site] === norms[site] ? "" : ` by eps ${shortEps(config.eps)}`}`,
      ...(stds ? POSITION_CLASSES.map((name) => fixed(stds[moduleOf(site)][name])) : []),
    ]);
    const head = ["site", "norm", ...(stds ? POSITION_CLASSES.map((name) => `std ${name}`) : [])];
    io.out(table(io, head, rows));
    io.out(`${remaining(Object.values(named))}\n`);
    if (!stds) io.out("No std was measured: give tokens with --data FILE\n");
  });
}

function describeNorm(norm: Norm): string {
  if (norm.kind === "folded") return "folded";
  if (norm.kind === "standard") return `LayerNorm, eps ${shortEps(norm.eps)}`;
  if (norm.kind === "own") return kindOf(norm);
  if (norm.kind === "tapered") return `tapered, gate ${fixed(norm.gate)}, std ${fixed(norm.std)}`;
  const { first, eot, rest } = norm.std;
  const channel = norm.firstChannel === undefined ? "" : `, channel 0 ${fixed(norm.firstChannel)}`;
  if (isUniform(norm)) return `frozen at ${fixed(rest)}${channel}`;
  return `frozen at ${fixed(rest)} (first ${fixed(first)}, eot ${fixed(eot)}${channel})`;
}

/** `1e-5`, `1e12`. */
function shortEps(eps: number): string {
  return eps.toExponential().replace("+", "");
}

function remaining(norms: readonly Norm[]): string {
  const count = (kind: Norm["kind"]) => norms.filter((norm) => norm.kind === kind).length;
  return `Of ${norms.length} norms ${count("standard")} are LayerNorms, ${count("frozen")} frozen, ${count("folded")} folded`;
}

function fixed(std: number): string {
  return std.toPrecision(5);
}
