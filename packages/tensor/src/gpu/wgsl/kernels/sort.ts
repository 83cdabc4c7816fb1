/** Rows in order: `sorted` pairs, taken apart. */
import type { Build } from "../../program.js";
import { assign, addBits } from "../into.js";
import { BOTH_ORDERS } from "../source/order.js";
import { each } from "../pass.js";
import { sizes } from "../sizes.js";
import { sorted, widthOf } from "../sorted.js";
import type { Tuning } from "../tuning.js";

export const sort =
  (tuning: Tuning): Build<"sort"> =>
  ({ x }, { descending }, { values, indices }) => {
    // Downwards NaN is the first, so that it is upwards' order turned round.
    const order = descending ? "~order(x[at])" : "order(x[at])";
    const { temporaries, passes } = sorted(
      { key: descending ? "down" : "up", buffer: "x", order, helpers: BOTH_ORDERS },
      x.shape,
      tuning,
    );
    const [, N, I] = x.shape;
    const { uniforms, declare } = sizes({ N, I, width: widthOf(N) });
    return {
      ...{ adds: ["values", "indices"], temporaries },
      passes: [
        ...passes,
        each(
          {
            key: `sorted values and places ${addBits(values, indices)}`,
            reads: { x: "x", pairs: { buffer: "pairs", type: "vec2u" } },
            writes: { values: "values", indices: "indices" },
            uniforms,
          },
          x.size,
          `${declare}
  let row = i / (N * I) * I + i % I;
  let place = pairs[row * width + i / I % N].y;
  values[i] ${assign(values)} x[(row / I * N + place) * I + row % I];
  indices[i] ${assign(indices)} f32(place);`,
        ),
      ],
    };
  };
