/** `normless patch`: what of a clean prompt, put into a corrupted one, brings its answer back. */
import { Option } from "@commander-js/extra-typings";
import { withFrozenNames } from "@normless/gpt2";
import type { Tokenizer } from "@normless/text";
import { type ModelOptions, withModel } from "../engine/device.js";
import { UsageError } from "../errors.js";
import { asking, needTokenizer, positionIn, twoOf } from "../look-inside/asked.js";
import { type PatchData, patchedKinds, type PatchKind, patchKinds } from "../look-inside/patching.js";
import { pairIds, type PromptPairIds, promptsOf } from "../look-inside/prompt-file.js";
import { oneToken } from "../look-inside/words.js";
import { shippedModel } from "../models/shipped.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as looking from "../options/look-inside-options.js";
import { didYouMean } from "../options/nearest.js";
import { listArgument } from "../options/arguments.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { renderPatching } from "../report/look-inside/patching-page.js";
import { besideJson, checkResults, writeJsonResult, writeResult } from "../run-folder/result-file.js";
import type { Io } from "../terminal/io.js";
import { patchingText } from "../terminal/patching-text.js";
import { quotedToken } from "../terminal/token-text.js";

export interface PatchCommandOptions extends ModelOptions {
  readonly difference?: readonly string[] | undefined;
  readonly prompts?: string | undefined;
  readonly what?: readonly string[] | undefined;
  readonly position?: number | undefined;
  readonly top?: number | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
}

const TOP = 8;
const STANDARD: readonly PatchKind[] = ["residual", "heads", "mlp"];

const WHAT = `
The model runs on the corrupted prompt with one part of a tensor as the clean prompt has it, and the difference of the two tokens'
logits is read: 0 is the corrupted prompt as it is, 1 the clean one. Beside it stands attribution patching, which comes to
that to first order from one run forward and back. Both prompts have the same number of tokens.
What is patched: ${patchKinds.join(", ")}.`;

export function patchCommand(io: Io) {
  const own = command(
    "patch",
    "Activation patching: what of a clean prompt brings its answer back in a corrupted one",
    [
      '"The reports of the friend" "The report of the friend" --difference " are" " is"',
      "--model gpt2 --prompts ioi --what residual heads-by-position --html patching.html",
    ],
  )
    .argument("[clean]", "the prompt with the answer")
    .argument("[corrupted]", "the same with something changed")
    .addOption(shared.modelOption())
    .addOption(looking.differenceOption())
    .addOption(looking.promptsOption())
    .addOption(
      new Option(
        "--what <kinds...>",
        `what is patched, see below (default: ${STANDARD.join(" ")})`,
      ).argParser(listArgument),
    )
    .addOption(looking.positionOption())
    .addOption(looking.topOption("of each kind", TOP))
    .addOption(shared.jsonOption)
    .addOption(shared.htmlOption());
  return addEngine(own)
    .addHelpText("after", WHAT)
    .action((clean, corrupted, options) =>
      patch(besideJson(io, options.json), { clean, corrupted }, options),
    );
}

interface Texts {
  readonly clean: string | undefined;
  readonly corrupted: string | undefined;
}

export async function patch(io: Io, texts: Texts, options: PatchCommandOptions): Promise<void> {
  const { model = shippedModel(), json, html } = options;
  const results = await checkResults({ "--json": json, "--html": html }, inputsOf({ ...options, model }));
  const kinds = kindsOf(options);
  await withModel(io, options, async ({ name, loaded, device: { params } }) => {
    const tokenizer = needTokenizer(name, loaded);
    const { config, norms } = withFrozenNames(loaded);
    const { rows, ...about } = await asked(tokenizer, config, texts, options);
    const [{ clean }] = rows;
    const position = positionIn(clean.length, options.position ?? -1, "--position");
    const data: PatchData = {
      ...{ model: name, ...about, position, tokens: tokensOf(tokenizer, rows) },
      ...(await asking(() => patchedKinds({ config, norms, params }, rows, kinds, position))),
    };
    io.out(patchingText(io, data, options.top ?? TOP));
    if (results["--json"] !== undefined) await writeJsonResult(io, results["--json"], data);
    if (results["--html"] !== undefined) await writeResult(io, results["--html"], renderPatching(data));
  });
}

function kindsOf({ what = STANDARD }: PatchCommandOptions): PatchKind[] {
  const wrong = what.find((kind) => !(patchKinds as string[]).includes(kind));
  if (wrong === undefined) return patchKinds.filter((kind) => what.includes(kind));
  throw new UsageError(
    `--what ${wrong} cannot be patched; these can: ${patchKinds.join(", ")}.${didYouMean(wrong, patchKinds)}`,
  );
}

/** The prompts in tokens, and how they are told of. */
async function asked(
  tokenizer: Tokenizer,
  config: { readonly blockSize: number },
  { clean, corrupted }: Texts,
  { prompts, difference }: PatchCommandOptions,
): Promise<{ readonly rows: PromptPairIds[] } & Pick<PatchData, "prompts" | "answerText" | "wrongText">> {
  if (prompts !== undefined) {
    if (clean !== undefined || difference !== undefined) {
      throw new UsageError(
        "--prompts has prompts and answers of its own; give it alone, or two prompts and --difference",
      );
    }
    const rows = pairIds(tokenizer, config, await promptsOf(tokenizer, prompts));
    return { rows, prompts: { file: prompts, count: rows.length } };
  }
  // Before what is missing: it may have taken the prompts.
  const tokens = difference && twoOf(difference);
  if (clean === undefined || corrupted === undefined || tokens === undefined) {
    throw new UsageError(
      'give two prompts and two tokens, CLEAN CORRUPTED --difference " right" " wrong", or a file of them, --prompts FILE',
    );
  }
  const [answer, wrong] = tokens;
  for (const text of [answer, wrong]) oneToken(tokenizer, "--difference", text);
  const rows = pairIds(tokenizer, config, [{ clean, corrupted, answer, wrong }]);
  const [answerText, wrongText] = [rows[0].answer, rows[0].wrong].map((id) => quotedToken(tokenizer, id));
  return { rows, prompts: { clean, corrupted }, answerText, wrongText };
}

/** @throws UsageError for prompts of different lengths */
function tokensOf(tokenizer: Tokenizer, rows: readonly PromptPairIds[]): PatchData["tokens"] {
  const [first] = rows;
  const T = first.clean.length;
  const other = rows.findIndex(({ clean }) => clean.length !== T);
  if (other > 0) {
    throw new UsageError(
      `prompt ${other + 1} has ${rows[other].clean.length} tokens and the first ${T}; patches go position by position ` +
        "over all prompts, so give prompts of one length, as normless prompts writes them",
    );
  }
  const text = (side: "clean" | "corrupted", t: number) =>
    quotedToken(tokenizer, first[side][t]) +
    (rows.every((row) => row[side][t] === first[side][t]) ? "" : "…");
  return first.clean.map((_, t) => ({ clean: text("clean", t), corrupted: text("corrupted", t) }));
}
