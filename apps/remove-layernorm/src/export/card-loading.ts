/** How to load a model that was written, in Markdown for its README.md. The stock peers' tests run these snippets. */
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

### transformers 5

\`\`\`python
from transformers import AutoModelForCausalLM, AutoTokenizer

# It computes in the dtype of the file unless it is told another.
model = AutoModelForCausalLM.from_pretrained("${folder}").float()
tokenizer = AutoTokenizer.from_pretrained("${folder}")
\`\`\`

### TransformerLens 4

\`\`\`python
from transformer_lens.model_bridge import TransformerBridge

model = TransformerBridge.boot_transformers("${folder}")
\`\`\`

Its norms are still there, dividing by 1e6; \`normless export --form transformer-lens\` writes the model without any.`,
};

export function loading(form: LnFreeForm, folder: string): string {
  return LOADING[form](folder);
}

/** Of a model with LayerNorms left. */
export function partlyLoading(folder: string): string {
  return `The norms that went are folded into the weights that read them; the others are LayerNorms as they were, and
config.json tells which. Stock software has no such architecture, nor is there a form for it with an epsilon of 1e12, which
all norms would share; load it with normless:

\`\`\`ts
import { readModelFolder } from "@normless/gpt2/node";
const { config, weights, norms, tokenizer } = await readModelFolder("${folder}");
\`\`\`

or on the command line: \`normless generate --model ${folder} --prompt "Once"\`. \`normless remove --model ${folder}\` goes on
with the LayerNorms that are left.`;
}

/** Into TransformerLens, which has no class that reads a folder of these names by itself. */
export function lensLoading(folder: string, config: Gpt2Config, hasTokenizer: boolean): string {
  const importTokenizer = hasTokenizer ? "\nfrom transformers import GPT2TokenizerFast" : "";
  const tokenizer = hasTokenizer ? `, tokenizer=GPT2TokenizerFast.from_pretrained("${folder}")` : "";
  const readWeights = `weights = {}
for file in sorted(Path("${folder}").glob("*.safetensors")):
    weights.update({name: value.float() for name, value in load_file(file).items()})`;
  return `The norms are folded into the weights that read them, and the weights have TransformerLens's names and shapes. What is
built of them has no norm in it: \`normalization_type=None\`.

### TransformerLens 4

\`\`\`python
from pathlib import Path

from safetensors.torch import load_file
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.utilities.tl_checkpoint_conversion import convert_tl_checkpoint${importTokenizer}

config = TransformerBridgeConfig(
${fieldsOf(config)}
)
model = TransformerBridge.boot_native(config${tokenizer})
${readWeights}
model.load_state_dict(convert_tl_checkpoint(weights, config))
\`\`\`

### TransformerLens 3

\`\`\`python
from pathlib import Path

from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig${importTokenizer}

config = HookedTransformerConfig(
${fieldsOf(config)}
)
model = HookedTransformer(config${tokenizer})
${readWeights}
missing, unexpected = model.load_state_dict(weights, strict=False)
# TransformerLens 3 keeps its causal masks among the weights.
assert not unexpected and all(name.endswith((".mask", ".IGNORE")) for name in missing), (missing, unexpected)
\`\`\`

There is no norm to fold, so do not process the weights again: no \`enable_compatibility_mode()\`, no \`process_weights_()\`.
\`normless eval --model ${folder} --data FILE\` reads the folder, too.`;
}

/** A folded model as both releases' configs describe it. */
function fieldsOf({ layers, channels, heads, blockSize, inner, vocabSize, gelu }: Gpt2Config): string {
  return `    n_layers=${layers}, d_model=${channels}, n_heads=${heads}, d_head=${channels / heads}, d_mlp=${inner}, n_ctx=${blockSize},
    d_vocab=${vocabSize}, act_fn="${gelu === "tanh" ? "gelu_new" : "gelu"}", normalization_type=None,`;
}
