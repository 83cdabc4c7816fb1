import type { Build } from "../program.js";
import { pass } from "../source.js";
import { axisOutput, axisReader } from "./axis.js";
import { nanTest } from "./operators.js";

/** Every value counts those before it, which is its rank: N² comparisons a row, with nothing that a kernel of gpu.js cannot do. */
export const sort: Build<"sort"> = ({ x }, { descending }) => {
  const N = x.shape[1];
  const value = axisReader("x", x.shape);
  const rank = axisReader("rank", x.shape);
  const places = axisReader("places", x.shape);
  const { output, declare } = axisOutput(x.shape);
  const [less, more] = descending ? [">", "<"] : ["<", ">"];
  return {
    temporaries: { rank: x.size, places: x.size },
    passes: [
      pass("sort", {
        ...{ output, reads: value.reads, writes: "rank" },
        body: `${declare}
          let v = ${value.at("o", "n", "i")};
          ${nanTest("v", "odd")}
          let count = 0;
          for (let j = 0; j < ${N}; j++) {
            let w = ${value.at("o", "j", "i")};
            ${nanTest("w", "other")}
            let before = 0;
            if (j < n) { before = 1; }
            if (w ${less} v) { before = 1; }
            if (w ${more} v) { before = 0; }
            if (other ${less} odd) { before = 1; }
            if (other ${more} odd) { before = 0; }
            count += before;
          }
          return count;`,
      }),
      pass("sort", {
        ...{ output, reads: rank.reads, writes: "places" },
        body: `${declare} let place = 0;
          for (let j = 0; j < ${N}; j++) { if (${rank.at("o", "j", "i")} == n) { place = j; } }
          return place;`,
      }),
      pass("sort", {
        ...{ output, reads: places.reads, writes: "indices" },
        body: `${declare} return ${places.at("o", "n", "i")};`,
      }),
      pass("sort", {
        ...{ output, reads: { ...value.reads, ...places.reads }, writes: "values" },
        body: `${declare} let place = ${places.at("o", "n", "i")}; return ${value.at("o", "place", "i")};`,
      }),
    ],
  };
};
