/**
 * Nothing of size T×T here, not even for a while: every thread works its scores out again from q and k. Right on every
 * device, and the slow form: about D times the work of a tiled kernel.
 */
import type { Build, Operand } from "../program.js";
import { accumulate, divide, logSumExp, pass, sumOf, X, Y } from "../source.js";

function dims(q: Operand, k: Operand, heads: number, keys?: number) {
  const [B, Tq, C] = q.shape;
  const capacity = k.shape[1];
  const D = C / heads;
  return { B, Tq, C, H: heads, D, capacity, Tk: keys ?? capacity, scale: 1 / Math.sqrt(D) };
}

/** Statements that declare `name`: the dot product of two heads. */
const dot = (name: string, D: number, a: string, b: string) =>
  sumOf(name, D, (d) => `${a}[h * ${D} + ${d}] * ${b}[h * ${D} + ${d}]`);

export const attention: Build<"attention"> = ({ q, k }, { heads, keys }) => {
  const { B, Tq, Tk, C, H, D, capacity, scale } = dims(q, k, heads, keys);
  return {
    passes: [
      pass("attention", {
        output: [Tq, B * H],
        reads: { q: C, k: C },
        writes: "lse",
        body: `${divide(Y, H, "b", "h")}
          let row = b * ${Tq} + ${X};
          let last = ${X} + ${Tk - Tq};
          ${logSumExp(
            "lse",
            Tk,
            (j) =>
              `${dot("score", D, "q[row]", `k[b * ${capacity} + ${j}]`)} let lse_value = score * ${scale};`,
            (j) => `${j} <= last`,
          )}
          return lse;`,
      }),
      pass("attention", {
        output: [C, B * Tq],
        reads: { q: C, k: C, v: C, lse: Tq },
        writes: "y",
        body: `${divide(Y, Tq, "b", "i")}
          let h = Math.floor((${X} + 0.5) / ${D});
          let total = lse[b * ${H} + h][i];
          let last = i + ${Tk - Tq};
          ${accumulate(
            "sum",
            Tk,
            (j, part) => `if (${j} <= last) {
              ${dot("score", D, `q[${Y}]`, `k[b * ${capacity} + ${j}]`)}
              ${part} += Math.exp(score * ${scale} - total) * v[b * ${capacity} + ${j}][${X}];
            }`,
          )}
          return sum;`,
      }),
    ],
  };
};

export const attentionGrad: Build<"attentionGrad"> = ({ q, k }, { heads }) => {
  const { B, Tq, Tk, C, H, D, scale } = dims(q, k, heads);
  const reads = { dy: C, q: C, k: C, v: C, lse: Tq, delta: Tq };
  /** Statements that declare p and ds, the score's gradient, of query row `i` and key row `j` of the batch entry b. */
  const pair = (i: string, j: string) => {
    const [query, key] = [`[b * ${Tq} + ${i}]`, `[b * ${Tk} + ${j}]`];
    return `${dot("score", D, `q${query}`, `k${key}`)}
      let p = Math.exp(score * ${scale} - lse[b * ${H} + h][${i}]);
      ${dot("dp", D, `dy${query}`, `v${key}`)}
      let ds = p * (dp - delta[b * ${H} + h][${i}]) * ${scale};`;
  };
  const head = `let h = Math.floor((${X} + 0.5) / ${D});`;
  /** Σ over the queries that see key j. */
  const overQueries = (term: (i: string) => string) => `${divide(Y, Tk, "b", "j")} ${head}
    ${accumulate(
      "sum",
      Tq,
      (i, part) => `if (${i} + ${Tk - Tq} >= j) { ${pair(i, "j")} ${part} += ${term(`b * ${Tq} + ${i}`)}; }`,
    )} return sum;`;
  return {
    temporaries: { delta: B * H * Tq },
    passes: [
      pass("attentionGrad", {
        output: [Tq, B * H],
        reads: { dy: C, y: C },
        writes: "delta",
        body: `${divide(Y, H, "b", "h")} let row = b * ${Tq} + ${X}; ${dot("sum", D, "dy[row]", "y[row]")} return sum;`,
      }),
      pass("attentionGrad", {
        output: [C, B * Tq],
        reads,
        writes: "dq",
        body: `${divide(Y, Tq, "b", "i")} ${head}
          let last = i + ${Tk - Tq};
          ${accumulate(
            "sum",
            Tk,
            (j, part) => `if (${j} <= last) { ${pair("i", j)} ${part} += ds * k[b * ${Tk} + ${j}][${X}]; }`,
          )}
          return sum;`,
      }),
      pass("attentionGrad", {
        output: [C, B * Tk],
        reads,
        writes: "dk",
        body: overQueries((row) => `ds * q[${row}][${X}]`),
      }),
      pass("attentionGrad", {
        output: [C, B * Tk],
        reads,
        writes: "dv",
        body: overQueries((row) => `p * dy[${row}][${X}]`),
      }),
    ],
  };
};

export const writeRows: Build<"writeRows"> = ({ cache, rows }, { at }) => {
  const [B, capacity, C] = cache.shape;
  const t = rows.shape[1];
  return {
    temporaries: { written: cache.size },
    passes: [
      pass("writeRows", {
        output: [C, B * capacity],
        reads: { cache: C, rows: C },
        writes: "written",
        floats: { at },
        body: `${divide(Y, capacity, "b", "position")}
          let result = cache[${Y}][${X}];
          if (position >= at && position < at + ${t}) { result = rows[b * ${t} + position - at][${X}]; }
          return result;`,
      }),
    ],
    replaces: { cache: "written" },
  };
};
