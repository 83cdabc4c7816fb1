/** One export: what the model makes of a text, the folder, and the same of what is read back from it. */
import { basename, join, resolve } from "node:path";
import {
  freeParams,
  type HostModel,
  type LoadedModel,
  type ModelToWrite,
  normModules,
  uploadWeights,
  type WeightDtype,
} from "@normless/gpt2";
import { openModelFolder, writeModelFolder, type WriteOptions } from "@normless/gpt2/node";
import { writeFileAtomic } from "@normless/safetensors/node";
import type { Backend } from "@normless/tensor";
import { modelOutputs, type Outputs, relativeDifference } from "@normless/evaluate";
import { UsageError, within } from "../errors.js";
import { exportCard } from "./export-card.js";
import { convert, type ExportForm } from "./export-forms.js";
import { difference, thousands } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import type { OutputPath } from "../options/outputs.js";
import { publicPath } from "../provenance/public-path.js";
import { table } from "../terminal/table.js";

export interface ExportJob {
  readonly backend: Backend;
  /** Every norm is frozen or folded. */
  readonly model: LoadedModel;
  /** How the model is called in what is written. */
  readonly source: string;
  /** To check on; 2 at least. */
  readonly tokens: Uint16Array;
  readonly out: OutputPath;
  readonly form: ExportForm;
  readonly dtype: WeightDtype;
  readonly centreWriters: boolean;
}

/**
 * How far what is read back may be from the model: logits relative to the largest, loss in nats a token. Well above
 * what rounding the weights to 24, 11 and 8 bits does, so that more than that is an error.
 */
const BOUNDS: Readonly<Record<WeightDtype, { readonly logits: number; readonly loss: number }>> = {
  F32: { logits: 1e-3, loss: 1e-4 },
  F16: { logits: 1e-2, loss: 5e-3 },
  BF16: { logits: 1e-1, loss: 5e-2 },
};

/** The most that an epsilon of 1e12 may change what a norm gives, relatively; reached at a std of 14,142. */
const EPS_ERROR_LIMIT = 1e-4;

const BATCH_SIZE = 4;

/**
 * @throws UsageError when the form does not suit the model.
 * @throws Error when what was written does not give what the model gives; then the folder is gone again.
 */
export async function exportModel(io: Io, job: ExportJob): Promise<void> {
  const { backend, model, source, tokens, out, form, dtype } = job;
  const converted = await within(source, () => convert(model, form, job));
  const before = await outputsOf(backend, model, tokens);
  if (form === "gpt2") checkEpsError(io, model, before);
  const { tokenizerFiles } = model;
  const written = { ...converted.model, names: converted.names, tokenizerFiles, dtype };
  const facts = {
    ...job,
    source: publicPath(source),
    config: model.config,
    folder: basename(resolve(out)),
    hasTokenizer: Object.keys(tokenizerFiles).length > 0,
  };
  const { said, ...checked } = await writeChecked({ backend, before, tokens }, out, written, {
    card: (checked) => exportCard({ ...facts, checked }),
  });
  io.out(
    `Wrote ${io.colors.bold(join(out, "/"))}: ${form}, ${dtype}\nRead back and checked on ${thousands(checked.tokens)} tokens: ${said}\n`,
  );
  if (form === "gpt2" && dtype === "BF16") {
    io.err(
      `BF16 rounds the gammas of this form, too: the cross-entropy changes by ${difference(checked.lossAfter - checked.lossBefore)} ` +
        "nats/token. F32 keeps it; --form folded loses less\n",
    );
  }
}

/** What a folder that is written must give again. */
export interface Expected {
  readonly backend: Backend;
  /** Of the model that is written, on these tokens. */
  readonly before: Outputs;
  readonly tokens: Uint16Array;
}

export interface Checked {
  readonly tokens: number;
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** max |Δ| / max of the logits. */
  readonly logits: number;
  /** The same in words. */
  readonly said: string;
}

export interface CheckedOptions extends Pick<WriteOptions, "overwrite"> {
  /** The text of README.md, of a model that has none yet. */
  readonly card?: (checked: Checked) => string;
}

/**
 * Writes a model, reads it back, and holds what it gives against what is expected, before it takes its place.
 * @throws Error when it is not that; then nothing has taken its place.
 */
export async function writeChecked(
  { backend, before, tokens }: Expected,
  out: string,
  model: ModelToWrite,
  { overwrite = false, card }: CheckedOptions = {},
): Promise<Checked> {
  const { dtype = "F32" } = model;
  const bound = BOUNDS[dtype];
  let checked!: Checked;
  const finish = async (folder: string) => {
    const after = await outputsOfFolder(backend, folder, tokens);
    const logits = relativeDifference(after.logits, before.logits);
    const change = after.loss - before.loss;
    const said =
      `cross-entropy ${after.loss.toFixed(6)} nats/token, and ${before.loss.toFixed(6)} before (${difference(change)}); ` +
      `logits differ by at most ${logits.toExponential(1)} of the largest`;
    // Not the other way round: what is no number is over every bound.
    if (!(logits <= bound.logits && Math.abs(change) <= bound.loss)) {
      throw new Error(
        `what was read back is not the model: ${said}. In ${dtype} at most ${bound.loss} nats and ` +
          `${bound.logits} of the largest logit are allowed. What was written was removed`,
      );
    }
    checked = { tokens: tokens.length - 1, lossBefore: before.loss, lossAfter: after.loss, logits, said };
    if (card) await writeFileAtomic(join(folder, "README.md"), [new TextEncoder().encode(card(checked))]);
  };
  await writeModelFolder(out, model, { overwrite, finish });
  return checked;
}

/** What a model on the host makes of a text. */
export async function outputsOf(backend: Backend, model: HostModel, tokens: Uint16Array): Promise<Outputs> {
  const { config, norms, weights } = model;
  const params = await uploadWeights(backend, weights);
  try {
    const sizes = { batchSize: BATCH_SIZE, blockSize: config.blockSize };
    return await modelOutputs({ config, norms, params }, tokens, sizes);
  } finally {
    freeParams(params);
  }
}

/** Says the error of every norm of this form. @throws UsageError when it is too large at a site. */
async function outputsOfFolder(backend: Backend, path: string, tokens: Uint16Array): Promise<Outputs> {
  const model = await openModelFolder(path);
  try {
    return await outputsOf(backend, model, tokens);
  } finally {
    await model.close();
  }
}

function checkEpsError(io: Io, model: HostModel, outputs: Outputs): void {
  const errors = epsErrors(model, outputs);
  const rows = errors.map(({ module, std, error }) => [module, std.toPrecision(5), error.toExponential(1)]);
  io.out(table(io, ["norm", "largest std", "error by eps 1e12"], rows));
  const refusal = tooLarge(errors);
  if (refusal !== undefined) throw new UsageError(`${refusal}. Take --form folded, which has no such limit`);
}

interface EpsError {
  readonly module: string;
  readonly std: number;
  readonly error: number;
}

/**
 * Beside an epsilon of 1e12 a variance changes the root by var/2e12, relatively: the error of every norm of that form, at
 * the largest std that a text brought about.
 */
export function epsErrors({ config }: HostModel, { largestStd }: Outputs): EpsError[] {
  return normModules(config).map((module) => {
    const std = largestStd[module];
    return { module, std, error: std ** 2 / 2e12 };
  });
}

/** Why a model has no eps 1e12 form; undefined where it has. */
export function tooLarge(errors: readonly EpsError[]): string | undefined {
  const { module, std, error } = errors.reduce((a, b) => (b.error > a.error ? b : a));
  if (error <= EPS_ERROR_LIMIT) return undefined;
  return (
    `at ${module} a residual has a std of ${std.toPrecision(5)}, so that an epsilon of 1e12 would change ` +
    `the norm by ${error.toExponential(1)} of itself; at most ${EPS_ERROR_LIMIT} is allowed (a std of 14,142)`
  );
}
