/** A model's folder of which one file is anybody's; the first byte says which, and in which layout the others are. */
import {
  configText,
  gatherWeights,
  memoryFolder,
  NotFiniteError,
  readModel,
  standardNorms,
} from "@normless/gpt2";
import { SafetensorsError } from "@normless/safetensors";
import { FormatError } from "@normless/text";
import { checkpointsLike, filesOf, modelFolders } from "../model-folders.js";
import { LONGEST } from "../mutate.js";
import { tinyModel } from "../tiny-model.js";
import type { Target } from "../target.js";

const FILES = [
  ...["config.json", "generation_config.json", "model.safetensors.index.json", "model.safetensors"],
  ...["tokenizer_config.json", "vocab.json"],
];
/** The layouts of model-folders.ts. */
const LAYOUTS = 6;

const seed = (layout: number, file: string, bytes: Uint8Array | string) =>
  Uint8Array.of(FILES.indexOf(file) + FILES.length * layout, ...Buffer.from(bytes));

const { config } = tinyModel;
const norms = standardNorms(config);
const fields = JSON.parse(configText(config, norms)) as Record<string, unknown>;
const withFields = (more: object) => seed(1, "config.json", JSON.stringify({ ...fields, ...more }));

export const target: Target = {
  seeds: async () => {
    const layouts = (await modelFolders).flatMap((files, layout) =>
      FILES.flatMap((file) => (Object.hasOwn(files, file) ? [seed(layout, file, files[file])] : [])),
    );
    const frozen = { kind: "frozen", std: { first: 2, eot: 1, rest: 1.5 }, firstChannel: 3 };
    const each = (norm: object, more: object = {}) => ({
      model_type: "gpt2-normless",
      normless: { norms: { ...Object.fromEntries(Object.keys(norms).map((site) => [site, norm])), ...more } },
    });
    return [
      // The longest would be cut, and the first three of a folder tell most.
      ...layouts.filter(({ length }) => length < LONGEST),
      withFields({
        n_inner: null,
        n_positions: undefined,
        activation_function: "gelu",
        layer_norm_epsilon: 1e12,
      }),
      withFields({ eos_token_id: [5, 6, 70], bos_token_id: 1, pad_token_id: 2, n_ctx: 4 }),
      withFields({ eos_token_id: [5, 6, 7, 1, 2, 3, 4, 0, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18] }),
      withFields({
        scale_attn_weights: false,
        scale_attn_by_inverse_layer_idx: true,
        reorder_and_upcast_attn: true,
      }),
      withFields({ model_type: "gpt2-normless", normless: { norms: "folded" } }),
      withFields({ model_type: "gpt2-normless" }),
      withFields(each(frozen)),
      withFields(each(frozen, { "h.9.ln_1": frozen })),
      withFields(each({ kind: "tapered", eps: 1e-5, gate: 0.5, std: 2 })),
      withFields(each({ kind: "own", name: "a" })),
      withFields({ eos_token_id: null, tie_word_embeddings: false, n_embd: -1 }),
      withFields({ layer_norm_epsilon: -1 }),
      withFields({ pad_token_id: "1" }),
      withFields({ n_layer: 100_000_000 }),
      seed(0, "generation_config.json", '{"eos_token_id":[5,6],"bos_token_id":1}'),
      seed(0, "generation_config.json", '{"eos_token_id":7}'),
      seed(3, "config.json", JSON.stringify({ ...fields, layer_norm_epsilon: 1e-5 })),
      seed(2, "config.json", JSON.stringify(fields)),
      ...[0, 1, 2, 3, 4, 5].flatMap((layout) => FILES.map((file) => seed(layout, file, ""))),
      ...(await checkpointsLike()).map((weights) => seed(5, "model.safetensors", weights)),
      withFields({ more: JSON.parse("[".repeat(200) + "]".repeat(200)) as unknown }),
      seed(0, "vocab.json", "{}"),
      seed(0, "tokenizer_config.json", '{"pad_token":"<pad>"}'),
      Uint8Array.of(0, 0xff),
    ];
  },
  async read(bytes) {
    const [first = 0] = bytes;
    const file = FILES[first % FILES.length];
    const files = (await modelFolders)[Math.floor(first / FILES.length) % LAYOUTS];
    const { [file]: _, ...others } = files;
    // Nothing in it is a file that is not there.
    const changed = bytes.length > 1 ? { ...others, [file]: bytes.subarray(1) } : others;
    const model = await readModel(memoryFolder("a-model", changed));
    // What is read can be written, and is read as the same.
    const written = model.layout === "transformer-lens" ? { names: model.layout } : {};
    const whole = { ...model, weights: await gatherWeights(model.weights) };
    const again = await readModel(memoryFolder("a-model", await filesOf({ ...whole, ...written })));
    const [a, b] = [model, again].map((one) => configText(one.config, one.norms));
    if (a !== b) throw new Error(`the config is written as something else: ${a} and ${b}`);
    return again;
  },
  errors: [FormatError, SafetensorsError, NotFiniteError],
  names: /^a-model\b|model-0000\d-of-/,
  reader: [
    "generation-config",
    "hf-config",
    "hf-folder",
    "hf-shards",
    "hf-weights",
    "fake-layer-norm",
    "transformer-lens",
  ].map((file) => `packages/gpt2/src/files/${file}.ts`),
};
