/** `normless fold`: a model whose norms are all frozen to a model without norms, as a new folder. */
import { Option } from "@commander-js/extra-typings";
import { foldModel, toEps1e12 } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { within } from "../errors.js";
import { withFrozenNames } from "../huge-eps.js";
import type { Io } from "../io.js";
import * as shared from "../options.js";

export interface FoldOptions {
  readonly model: string;
  readonly out: string;
  readonly form?: "plain" | "gpt2" | undefined;
}

export function foldCommand(io: Io) {
  return shared
    .command("fold", "Fold the frozen norms of a model into its weights", [
      "--model frozen --out folded",
      "--model runs/gpt2/ln-free-gpt2 --out folded",
      "--model frozen --out stock --form gpt2",
    ])
    .requiredOption(
      "--model <dir>",
      "a model whose norms are all frozen at one constant, or have an epsilon of 1e12",
    )
    .requiredOption("--out <dir>", "the folder to write")
    .addOption(
      new Option(
        "--form <form>",
        "plain: no norms are left; gpt2: eps 1e12, which stock GPT2LMHeadModel loads",
      )
        .choices(["plain", "gpt2"] as const)
        .default("plain" as const),
    )
    .action((options) => fold(io, options));
}

export async function fold(io: Io, { model, out, form = "plain" }: FoldOptions): Promise<void> {
  const { tokenizerFiles, tokenizer: _tokenizer, ...loaded } = await readModelFolder(model);
  const frozen = withFrozenNames(loaded);
  const folded = await within(model, () => (form === "plain" ? foldModel(frozen) : toEps1e12(frozen)));
  await writeModelFolder(out, { ...folded, tokenizerFiles });
  io.out(
    `Wrote ${io.colors.bold(out)}: ${form === "plain" ? "no norms are left" : "every epsilon is 1e12"}\n`,
  );
}
