import type { Build } from "../program.js";
import { BLOCK, blocksOf, pass } from "../source.js";
import { axisOutput, axisReader } from "./axis.js";

/** The sums of whole blocks first, so that a value adds up the blocks before its own, and what is before it in its own. */
export const cumsum: Build<"cumsum"> = ({ x }, { reverse }) => {
  const [O, N, I] = x.shape;
  const blocks = blocksOf(N);
  const parts = [O, blocks, I];
  const value = axisReader("x", x.shape);
  const sums = axisReader("sums", parts);
  const from = (n: string) => (reverse ? `(${N - 1} - ${n})` : n);
  const { output, declare } = axisOutput(x.shape);
  const term = value.at("o", from(`(b * ${BLOCK} + j)`), "i");
  return {
    temporaries: { sums: O * blocks * I },
    passes: [
      pass("cumsum", {
        output: axisOutput(parts).output,
        reads: value.reads,
        writes: "sums",
        body: `${axisOutput(parts).declare.replaceAll(/\bn\b/g, "b")} let sum = 0;
          for (let j = 0; j < ${BLOCK}; j++) { if (b * ${BLOCK} + j < ${N}) { sum += ${term}; } }
          return sum;`,
      }),
      pass("cumsum", {
        output,
        reads: { ...value.reads, ...sums.reads },
        writes: "y",
        body: `${declare}
          let last = ${from("n")};
          let b = Math.floor((last + 0.5) / ${BLOCK});
          let sum = 0; let own = 0;
          for (let k = 0; k < ${blocks}; k++) { if (k < b) { sum += ${sums.at("o", "k", "i")}; } }
          for (let j = 0; j < ${BLOCK}; j++) { if (b * ${BLOCK} + j <= last) { own += ${term}; } }
          return sum + own;`,
      }),
    ],
  };
};
