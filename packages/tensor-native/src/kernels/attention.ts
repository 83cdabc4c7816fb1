/** Causal attention, its gradient, and the cache of keys and values (native/attention.c, attention-grad.c). */
import { declare } from "../library.js";
import { flag, type Implementation } from "./implementation.js";

const attentionOf = declare(
  "int attention(engine *e, float *y, float *lse, const float *q, const float *k, const float *v, int64_t B, " +
    "int64_t Tq, int64_t Tk, int64_t C, int64_t H, int64_t capacity)",
);
const grad = declare(
  "int attention_grad(engine *e, float *dq, float *dk, float *dv, const float *dy, const float *q, const float *k, " +
    "const float *v, const float *y, const float *lse, int64_t B, int64_t Tq, int64_t Tk, int64_t C, " +
    "int64_t H, int add_dq, int add_dk, int add_dv)",
);
const write = declare(
  "int write_rows(engine *e, float *cache, const float *rows, int64_t B, int64_t size, int64_t room, int64_t begin)",
);

export const attention: Implementation<"attention"> = {
  run(engine, { q, k, v }, { heads, keys }, { y, lse }) {
    const [B, Tq, C] = q.shape as [number, number, number];
    const capacity = k.shape[1];
    const pointers = [y, lse, q, k, v].map(({ pointer }) => pointer);
    engine.call(attentionOf, ...pointers, B, Tq, keys ?? capacity, C, heads, capacity);
  },
};

export const attentionGrad: Implementation<"attentionGrad"> = {
  accumulates: true,
  run(engine, { dy, q, k, v, y, lse }, { heads }, { dq, dk, dv }) {
    const [B, Tq, C] = q.shape as [number, number, number];
    const pointers = [dq, dk, dv, dy, q, k, v, y, lse].map(({ pointer }) => pointer);
    const adds = [dq, dk, dv].map(({ add }) => flag(add));
    engine.call(grad, ...pointers, B, Tq, k.shape[1], C, heads, ...adds);
  },
};

export const writeRows: Implementation<"writeRows"> = {
  run(engine, { cache, rows }, { at }) {
    const [B, t, C] = rows.shape as [number, number, number];
    engine.call(write, cache.pointer, rows.pointer, B, t * C, cache.shape[1] * C, at * C);
  },
};
