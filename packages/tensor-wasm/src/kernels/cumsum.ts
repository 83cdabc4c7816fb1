import { CHUNK, flag, type Implementation, unitsOf } from "./implementation.js";
import { type Dims, partsOf, PER_THREAD, sumSlots } from "./reduce.js";

/** Columns of a unit (assembly/cumsum.ts). */
const COLUMNS = 256;

export const cumsum: Implementation<"cumsum"> = {
  run(engine, { x }, { reverse }, { y }) {
    const [O, N, I] = x.shape as unknown as Dims;
    const [fromEnd, int32] = [flag(reverse), flag(x.dtype === "int32")];
    if (I !== 1) {
      const scratch = engine.scratch(engine.threads * PER_THREAD);
      const ints = [x.pointer, y.pointer, N, I, fromEnd, int32, scratch, PER_THREAD];
      return engine.run("cumsumColumns", O * unitsOf(I, COLUMNS), x.size * 0.5, ints);
    }
    const { length, parts } = partsOf([O, N, I]);
    const slots = parts > 1 ? sumSlots(engine, x) : 0;
    if (parts > 1) engine.run("cumsumCarry", O, O * parts * 2, [slots, parts, fromEnd, int32]);
    const rows = parts > 1 ? 1 : Math.max(1, Math.floor(CHUNK / Math.max(N, 1)));
    const ints = [x.pointer, y.pointer, O, N, length, parts, slots, fromEnd, rows, int32];
    engine.run("cumsum", unitsOf(O * parts, rows), x.size * 0.5, ints);
  },
};
