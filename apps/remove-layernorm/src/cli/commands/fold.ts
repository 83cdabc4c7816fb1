/** `normless fold`: a model whose norms are all frozen to a model without norms, as a new folder. */
import { Option } from "@commander-js/extra-typings";
import { foldModel, type HostModel, toEps1e12 } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { frozenNorm, type Norm } from "@normless/layernorm";
import { within } from "../errors.js";
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

/** From here on an epsilon drowns any variance that float32 activations have. */
const DROWNING_EPS = 1e10;

/** LayerNorms with an epsilon of 1e12, as published LN-free models have, are frozen in all but name: at sqrt(eps). */
export function withFrozenNames(model: HostModel): HostModel {
  const named = (norm: Norm): Norm =>
    norm.kind === "standard" && norm.eps >= DROWNING_EPS ? frozenNorm(Math.sqrt(norm.eps)) : norm;
  const norms = Object.entries(model.norms).map(([site, norm]) => [site, named(norm)] as const);
  return { ...model, norms: Object.fromEntries(norms) };
}
