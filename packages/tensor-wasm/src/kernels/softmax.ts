/** Softmax along N of (O,N,I), its logarithm, and their gradient. */
import { CHUNK, flag, type Implementation, unitsOf } from "./implementation.js";
import { type Dims, logSumExpSlots, partsOf, PER_THREAD } from "./reduce.js";

/** Columns of a unit (assembly/softmax.ts). */
const COLUMNS = 256;

export const softmax: Implementation<"softmax"> = {
  run(engine, { x }, { log }, { y }) {
    const dims = x.shape as unknown as Dims;
    const [O, N, I] = dims;
    if (x.size === 0) return;
    const work = x.size * 2;
    const { length, parts } = partsOf([O, N, 1]);
    if (I === 1 && parts > 1) {
      const slots = logSumExpSlots(engine, x);
      const ints = [x.pointer, y.pointer, N, length, parts, flag(log), slots];
      return engine.run("softmaxParts", O * parts, work, ints);
    }
    if (I === 1) {
      const rows = Math.max(1, Math.floor(CHUNK / N));
      engine.run("softmax", unitsOf(O, rows), work, [x.pointer, y.pointer, O, N, flag(log), rows]);
    } else {
      const scratch = engine.scratch(engine.threads * PER_THREAD);
      const ints = [x.pointer, y.pointer, N, I, flag(log), scratch, PER_THREAD];
      engine.run("softmaxColumns", O * unitsOf(I, COLUMNS), work, ints);
    }
  },
};

export const softmaxGrad: Implementation<"softmaxGrad"> = {
  run(engine, { dy, y }, { log }, { dx }) {
    const [O, N, I] = y.shape as unknown as Dims;
    if (y.size === 0) return;
    const pointers = [dy.pointer, y.pointer, dx.pointer];
    const work = y.size * (log ? 1.5 : 0.6);
    if (I !== 1) {
      const scratch = engine.scratch(engine.threads * PER_THREAD);
      const ints = [...pointers, N, I, flag(log), scratch, PER_THREAD];
      return engine.run("softmaxGradColumns", O * unitsOf(I, COLUMNS), work, ints);
    }
    const { length, parts } = partsOf([O, N, I]);
    const rows = Math.max(1, Math.floor(CHUNK / N));
    const slots = parts > 1 ? engine.scratch(O * parts * 8) : 0;
    const ints = [...pointers, O, N, flag(log), rows, length, parts, slots];
    if (parts === 1) return engine.run("softmaxGrad", unitsOf(O, rows), work, [...ints, 0]);
    for (const what of [1, 2]) engine.run("softmaxGrad", O * parts, work, [...ints, what]);
  },
};
