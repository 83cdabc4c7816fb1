import type { Build, Operand, Program } from "../program.js";
import { accumulate, FLAT, pass } from "../source.js";
import { axisOutput, axisReader } from "./axis.js";

/** Values at places that `id` says, an expression of o, n and i; outside of x there are none. */
function taken(
  op: string,
  x: Operand,
  M: number,
  index: { readonly reads: Record<string, number>; readonly id: string },
): Program {
  const [O, N, I] = x.shape;
  const value = axisReader("x", x.shape);
  const { output, declare } = axisOutput([O, M, I]);
  return {
    passes: [
      pass(op, {
        ...{ output, reads: { ...value.reads, ...index.reads }, writes: "y" },
        floats: { outside: x.dtype === "float32" ? NaN : 0 },
        body: `${declare}
          let place = ${index.id};
          let inside = 1;
          if (place < 0) { inside = 0; }
          if (place >= ${N}) { inside = 0; }
          if (inside < 0.5) { place = 0; }
          let y = ${value.at("o", "place", "i")};
          if (inside < 0.5) { y = outside; }
          return y;`,
      }),
    ],
  };
}

export const indexSelect: Build<"indexSelect"> = ({ x, index }) =>
  taken("indexSelect", x, index.size, { reads: { index: FLAT }, id: "index[n]" });

export const gather: Build<"gather"> = ({ x, index }) => {
  const { reads, at } = axisReader("index", index.shape);
  return taken("gather", x, index.shape[1], { reads, id: at("o", "n", "i") });
};

/** A value looks through all that may be added to it, so that no two threads write to one place. */
function added(
  op: string,
  x: Operand,
  N: number,
  index: { readonly reads: Record<string, number>; id(m: string): string },
): Program {
  const [O, M, I] = x.shape;
  const value = axisReader("x", x.shape);
  const { output, declare } = axisOutput([O, N, I]);
  const sum = accumulate(
    "sum",
    M,
    (m, part) => `if (${index.id(m)} == n) { ${part} += ${value.at("o", m, "i")}; }`,
  );
  return {
    passes: [
      pass(op, {
        output,
        reads: { ...value.reads, ...index.reads },
        writes: "y",
        body: `${declare} ${sum} return sum;`,
      }),
    ],
  };
}

export const indexAdd: Build<"indexAdd"> = ({ x }, { N }) =>
  added("indexAdd", x, N, { reads: { index: FLAT }, id: (m) => `index[${m}]` });

export const scatterAdd: Build<"scatterAdd"> = ({ x, index }, { N }) => {
  const { reads, at } = axisReader("index", index.shape);
  return added("scatterAdd", x, N, { reads, id: (m) => at("o", m, "i") });
};
