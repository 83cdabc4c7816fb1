/** `normless export`: an LN-free model as a new folder in the form asked for, read back and checked on real text. */
import { readdir } from "node:fs/promises";
import { Option } from "@commander-js/extra-typings";
import type { ColumnOptions } from "@normless/data";
import { type HostModel, type WeightDtype, withFrozenNames } from "@normless/gpt2";
import { needCorpusFile, readCorpus } from "../data/corpus.js";
import { rowOptions, withDataFiles } from "../data/data-files.js";
import { type EngineOptions, withEngine } from "../engine/engine.js";
import { systemCode, UsageError } from "../errors.js";
import { EXPORT_FORMS, type ExportForm } from "../export/export-forms.js";
import { exportModel } from "../export/export-job.js";
import { findModel } from "../models/hub.js";
import type { Io } from "../terminal/io.js";
import { freezeAt, NORM_CONSTANTS } from "../models/norm-constants.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as shared from "../options/options.js";
import { checkOutputFolder, inputsOf } from "../options/outputs.js";
import { shippedModel } from "../models/shipped.js";

export interface ExportOptions extends EngineOptions, ColumnOptions {
  readonly model?: string | undefined;
  readonly out: string;
  readonly form?: ExportForm | undefined;
  readonly dtype?: WeightDtype | undefined;
  readonly centreWriters?: boolean | undefined;
  readonly norms?: string | undefined;
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
}

/** Checked on where nobody says. */
const TOKENS = 8192;

const FORMS = `
The model's norms must all be frozen at one constant, have an epsilon of 1e12, or be folded; --norms freezes them.

The forms: folded has no norm left, and an untied head with a bias over the vocabulary; gpt2 is for a stock
GPT2LMHeadModel, its LayerNorms drowned by an epsilon of 1e12; transformer-lens is the folded model under
TransformerLens's names and shapes, for models with normalization_type=None. README.md tells how to load each, and in
which release.

What was written is read back and held against the model on real text; where they differ by more than the weights'
rounding explains, the folder is removed again and the command fails.
`;

export function exportCommand(io: Io) {
  const own = command(
    "export",
    "Write an LN-free model in a form to use elsewhere, and check it on real text",
    [
      "--model frozen --data val.bin --out folded",
      "--model runs/gpt2/ln-free-gpt2 --data val.bin --form transformer-lens --out lens",
      "--model frozen --data val.bin --form gpt2 --dtype BF16 --out stock",
      "--model gpt2 --norms stds.json --data val.bin --out folded",
    ],
  )
    .addOption(shared.modelOption())
    .addOption(shared.outOption().makeOptionMandatory())
    .addOption(
      new Option("--form <form>", "what to write, see below")
        .choices(EXPORT_FORMS)
        .default("folded" as const),
    )
    .addOption(shared.dtypeOption)
    .option("--centre-writers", "take the mean out of everything that adds to the residual; not for gpt2")
    .addOption(shared.normsOption)
    .addOption(shared.dataOption("the val tokens in the model's folder"))
    .addOption(shared.tokensOption(TOKENS))
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption());
  return addEngine(own)
    .addHelpText("after", `${FORMS}${NORM_CONSTANTS}`)
    .action(async (options) => exportCommandLine(io, await withDataFiles(io, options)));
}

async function exportCommandLine(io: Io, options: ExportOptions): Promise<void> {
  const { out, form = "folded", dtype = "F32", centreWriters = false } = options;
  const { model: asked = shippedModel(), tokens: count = TOKENS } = options;
  if (form === "gpt2" && dtype === "F16") {
    throw new UsageError(
      "--form gpt2 does not go with --dtype F16: its gammas are 1e6/std, and float16 ends at 65504. " +
        "Take --dtype F32, or --form folded",
    );
  }
  if (form === "gpt2" && centreWriters) {
    throw new UsageError("--centre-writers does not go with --form gpt2, whose head is its embedding");
  }
  await checkEmpty(out);
  const place = await checkOutputFolder(
    { option: "--out", path: out, names: [""] },
    inputsOf({ ...options, model: asked }),
  );
  const found = await findModel(io, asked);
  const { folder: path } = found;
  await found.use(async (loaded) => {
    const { config, tokenizer } = loaded;
    const files = options.data ?? [needCorpusFile(path, "val", "--data")];
    const limits = { ...rowOptions(files, options), tokens: count + 1 };
    const tokens = await readCorpus(files, { vocabSize: config.vocabSize, tokenizer, io }, limits);
    if (tokens.length < 2) throw new UsageError(`${files.join(", ")}: 2 tokens are needed to check a model`);
    const model = withFrozenNames({ ...loaded, norms: await freezeAt(options.norms, loaded) });
    checkFrozen(asked, model);
    await withEngine(io, options, ({ backend }) =>
      exportModel(io, {
        backend,
        model,
        source: asked,
        tokens,
        out: place,
        form,
        dtype,
        centreWriters,
      }),
    );
  });
}

/** @throws UsageError naming the first norm that is still a LayerNorm, and the ways to be rid of it. */
function checkFrozen(name: string, { norms }: Pick<HostModel, "norms">) {
  const [site] = Object.entries(norms).find(([, { kind }]) => kind === "standard") ?? [];
  if (site === undefined) return;
  throw new UsageError(
    `${name}: the norm at ${site} is a LayerNorm; only frozen norms can be folded. Remove it by fine-tuning ` +
      "(normless remove), or freeze it at a constant: --norms FILE",
  );
}

/** Before hours of work, not after. */
async function checkEmpty(path: string): Promise<void> {
  const there = await readdir(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    if (systemCode(error) === "ENOTDIR") throw new UsageError(`${path} is a file; give a folder: --out DIR`);
    throw error;
  });
  if (there.length === 0) return;
  throw new UsageError(
    `${path}: the folder is not empty (${there.slice(0, 4).join(", ")}); give another: --out DIR`,
  );
}
