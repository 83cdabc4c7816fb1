/** How to load a model that was written, in Markdown for its README.md. */
import type { Gpt2Config } from "@normless/gpt2";

/** `folded`: plain weights. `gpt2`: the eps 1e12 form that stock software loads. */
export type LnFreeForm = "folded" | "gpt2";

const LOADING: Readonly<Record<LnFreeForm, (folder: string) => string>> = {
  folded: (
    folder,
  ) => `The norms are folded into the weights that read them: there is no LayerNorm, no gamma and no beta left, and the head
is a matrix of its own with a bias over the vocabulary. Stock software has no such architecture; load it with normless:

\`\`\`ts
import { readModelFolder } from "@normless/gpt2/node";
const { config, weights, norms, tokenizer } = await readModelFolder("${folder}");
\`\`\`

or on the command line: \`normless generate --model ${folder} --prompt "Once"\`.`,
  gpt2: (
    folder,
  ) => `The architecture is GPT-2's own, so that stock software loads it. Every LayerNorm has an epsilon of 1e12, beside which
the variance vanishes: it divides by 1e6 whatever it reads, and its gamma undoes that. Compute in float32; float16 cannot
hold it.

\`\`\`python
from transformers import GPT2LMHeadModel, GPT2TokenizerFast
model = GPT2LMHeadModel.from_pretrained("${folder}")
tokenizer = GPT2TokenizerFast.from_pretrained("${folder}")
\`\`\``,
};

export function loading(form: LnFreeForm, folder: string): string {
  return LOADING[form](folder);
}

/** Into TransformerLens, which has no class that reads a folder of these names by itself. */
export function lensLoading(folder: string, config: Gpt2Config, hasTokenizer: boolean): string {
  const { layers, channels, heads, blockSize, inner, vocabSize, gelu } = config;
  const tokenizer = hasTokenizer ? `, tokenizer=GPT2TokenizerFast.from_pretrained("${folder}")` : "";
  return `The norms are folded into the weights that read them, and the weights have TransformerLens's names and shapes:

\`\`\`python
from pathlib import Path
import torch
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig${hasTokenizer ? "\nfrom transformers import GPT2TokenizerFast" : ""}

config = HookedTransformerConfig(
    n_layers=${layers}, d_model=${channels}, n_heads=${heads}, d_head=${channels / heads}, d_mlp=${inner}, n_ctx=${blockSize},
    d_vocab=${vocabSize}, act_fn="${gelu === "tanh" ? "gelu_new" : "gelu"}", normalization_type=None,
)
model = HookedTransformer(config${tokenizer})
weights = {}
for file in sorted(Path("${folder}").glob("*.safetensors")):
    weights.update({name: value.to(torch.float32) for name, value in load_file(file).items()})
missing, unexpected = model.load_state_dict(weights, strict=False)
# TransformerLens keeps its causal masks among the weights.
assert not unexpected and all(name.endswith((".mask", ".IGNORE")) for name in missing), (missing, unexpected)
\`\`\`

There is no norm to fold, so do not process the weights again. \`normless eval --model ${folder} --data FILE\` reads the
folder, too.`;
}
