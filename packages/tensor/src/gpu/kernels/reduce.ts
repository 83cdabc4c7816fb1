import type { ReduceOp } from "../../kernels/reduce.js";
import type { Build } from "../program.js";
import { pass, sumOf } from "../source.js";
import { axisReader, rowOutput } from "./axis.js";
import { nanTest, numbersIn } from "./operators.js";

type Value = (n: string) => string;

/** Statements that declare `name` as the largest of N values, or the least; NaN if there is any. */
export function extreme(name: string, N: number, value: Value, better: ">" | "<" = ">"): string {
  return `let ${name} = ${value("0")};
    for (let n = 0; n < ${N}; n++) {
      let v = ${value("n")};
      if (v ${better} ${name}) { ${name} = v; }
      ${nanTest("v", "odd")} if (odd > 0.5) { ${name} = v; }
    }`;
}

const product: (N: number, value: Value) => string = (N, value) =>
  `let y = 1; for (let n = 0; n < ${N}; n++) { y = y * ${value("n")}; }`;

/** Statements that declare y out of N values. */
const REDUCE = {
  sum: (N, value) => sumOf("y", N, value),
  mean: (N, value) => `${sumOf("sum", N, value)} let y = sum / ${N};`,
  prod: product,
  max: (N, value) => extreme("y", N, value),
  min: (N, value) => extreme("y", N, value, "<"),
  any: (N, value) => extreme("y", N, value),
  all: (N, value) => extreme("y", N, value, "<"),
  // Distances from the first value, and from what the mean of these is: a large mean costs no digits.
  variance: (N, value, divisor) => `let first = ${value("0")};
    ${sumOf("sum", N, (n) => `(${value(n)} - first)`)}
    let center = sum / ${N};
    ${sumOf("squares", N, (n) => `(${value(n)} - first - center) * (${value(n)} - first - center)`)}
    let y = squares / divisor; if (${divisor} == 0) { y = squares * infinity; }`,
  logSumExp: (N, value) => `${extreme("most", N, value)}
    let y = most;
    if (most >= -largest && most <= largest) {
      ${sumOf("sum", N, (n) => `Math.exp(${value(n)} - most)`)}
      y = most + Math.log(sum);
    }`,
} as const satisfies Record<ReduceOp, (N: number, value: Value, divisor: number) => string>;

export const reduce: Build<"reduce"> = ({ x }, { op, correction = 0 }) => {
  const N = x.shape[1];
  const { reads, at } = axisReader("x", x.shape);
  const { output, declare } = rowOutput(x.shape);
  const divisor = Math.max(N - correction, 0);
  const statements = REDUCE[op](N, (n) => at("o", n, "i"), divisor);
  return {
    passes: [
      pass(`reduce ${op}`, {
        ...{ output, reads, writes: "y" },
        floats: { ...numbersIn(statements), ...(op === "variance" && { divisor }) },
        body: `${declare} ${statements} return y;`,
      }),
    ],
  };
};

export const argReduce: Build<"argReduce"> = ({ x }, { op }) => {
  const { reads, at } = axisReader("x", x.shape);
  const { output, declare } = rowOutput(x.shape);
  return {
    passes: [
      pass(op, {
        ...{ output, reads, writes: "y" },
        body: `${declare}
          let best = ${at("o", "0", "i")};
          let place = 0;
          let found = 0;
          for (let n = 0; n < ${x.shape[1]}; n++) {
            let v = ${at("o", "n", "i")};
            ${nanTest("v", "odd")}
            if (found < 0.5 && v ${op === "argmax" ? ">" : "<"} best) { best = v; place = n; }
            if (found < 0.5 && odd > 0.5) { found = 1; place = n; }
          }
          return place;`,
      }),
    ],
  };
};
