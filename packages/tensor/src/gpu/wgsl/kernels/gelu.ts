/** GELU, both forms: the kernels of its own. */
import type { Build } from "../../program.js";
import { GELU } from "../source/gelu.js";
import { onto } from "../into.js";

export const gelu: Build<"gelu"> = (_in, { approximate }, { y }) =>
  onto(`gelu ${approximate}`, { x: "x" }, `value_${approximate}(x[i])`, {}, GELU)("y", y);
export const geluGrad: Build<"geluGrad"> = (_in, { approximate }, { dx }) =>
  onto(
    `geluGrad ${approximate}`,
    { dy: "dy", x: "x" },
    `dy[i] * slope_${approximate}(x[i])`,
    {},
    GELU,
  )("dx", dx);
