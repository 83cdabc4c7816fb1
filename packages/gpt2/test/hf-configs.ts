/** Contents of config.json that are read, for properties. */
import fc from "fast-check";

/** An epsilon: any number from 0 up that is finite, and those that are whole. */
export const epsilons = fc.oneof(
  fc.constantFrom(0, 1, 1e12, 1e21, 1e-5, Number.MIN_VALUE, Number.MAX_VALUE),
  fc.nat(),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
);
const flags = fc.constantFrom(undefined, true, false);

/** Whatever configFromHf takes. */
export const hfConfigs = fc
  .record({
    ...{ vocab_size: fc.integer({ min: 1, max: 60000 }), n_positions: fc.integer({ min: 1, max: 9 }) },
    ...{ headSize: fc.integer({ min: 1, max: 9 }), n_head: fc.integer({ min: 1, max: 9 }) },
    n_layer: fc.integer({ min: 1, max: 3 }),
    n_inner: fc.option(fc.integer({ min: 1, max: 99 })),
    activation_function: fc.constantFrom(undefined, "gelu_new", "gelu", "gelu_fast", "gelu_pytorch_tanh"),
    layer_norm_epsilon: fc.option(epsilons, { nil: undefined }),
    eos_token_id: fc.oneof(
      fc.constantFrom(undefined, null, 0, 50256),
      fc.integer({ min: -2, max: 60000 }),
      fc.array(fc.oneof(fc.constant(50256), fc.integer({ min: -2, max: 60000 })), { maxLength: 4 }),
    ),
    bos_token_id: fc.constantFrom(undefined, null, 0, 50256, 7),
    pad_token_id: fc.constantFrom(undefined, null, -1, 50257),
    ...{ tie_word_embeddings: flags, scale_attn_weights: flags },
    ...{ scale_attn_by_inverse_layer_idx: flags, reorder_and_upcast_attn: flags },
  })
  .map(({ headSize, ...hf }) => ({ ...hf, model_type: "gpt2", n_embd: headSize * hf.n_head }));
