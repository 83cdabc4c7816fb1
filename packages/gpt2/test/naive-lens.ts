/** TransformerLens's forward pass with `normalization_type=None`, in plain loops and float64, from its own formulas. */
import type { Gpt2Config, WeightsInMemory } from "../src/index.js";

type Vector = number[];

/** Logits of one sequence, (T,V), for a config with `gelu: "tanh"`. */
export function naiveLens(lens: WeightsInMemory, config: Gpt2Config, ids: readonly number[]): Vector[] {
  const { channels: C, heads: H, inner, layers, vocabSize: V } = config;
  const D = C / H;
  const value = (name: string, ...at: number[]) => {
    const { shape, data } = lens[name];
    return data[at.reduce((flat, index, axis) => flat * shape[axis] + index, 0)];
  };
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const total = (values: Vector) => values.reduce((a, b) => a + b, 0);

  let x = ids.map((id, t) => range(C).map((c) => value("embed.W_E", id, c) + value("pos_embed.W_pos", t, c)));
  for (const layer of range(layers)) {
    const attn = `blocks.${layer}.attn`;
    const mlp = `blocks.${layer}.mlp`;
    const project = (letter: string, h: number) =>
      x.map((row) =>
        range(D).map(
          (d) =>
            total(row.map((xc, c) => xc * value(`${attn}.W_${letter}`, h, c, d))) +
            value(`${attn}.b_${letter}`, h, d),
        ),
      );
    const z = range(H).map((h) => {
      const [q, k, v] = ["Q", "K", "V"].map((letter) => project(letter, h));
      return q.map((query, t) => {
        const scores = range(t + 1).map((s) => total(query.map((a, d) => a * k[s][d])) / Math.sqrt(D));
        const weights = scores.map((score) => Math.exp(score - Math.max(...scores)));
        return range(D).map((d) => total(weights.map((w, s) => w * v[s][d])) / total(weights));
      });
    });
    x = x.map((row, t) =>
      row.map(
        (xc, c) =>
          xc +
          value(`${attn}.b_O`, c) +
          total(range(H).map((h) => total(z[h][t].map((zd, d) => zd * value(`${attn}.W_O`, h, d, c))))),
      ),
    );
    x = x.map((row) => {
      const hidden = range(inner).map((m) =>
        geluNew(total(row.map((xc, c) => xc * value(`${mlp}.W_in`, c, m))) + value(`${mlp}.b_in`, m)),
      );
      return row.map(
        (xc, c) =>
          xc + total(hidden.map((h, m) => h * value(`${mlp}.W_out`, m, c))) + value(`${mlp}.b_out`, c),
      );
    });
  }
  return x.map((row) =>
    range(V).map((v) => total(row.map((xc, c) => xc * value("unembed.W_U", c, v))) + value("unembed.b_U", v)),
  );
}

function geluNew(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}
