import { CHUNK, flag, type Implementation, unitsOf } from "./implementation.js";

export const gelu: Implementation<"gelu"> = {
  run(engine, { x }, { approximate }, { y }) {
    const ints = [x.pointer, y.pointer, y.size, flag(approximate === "tanh")];
    engine.run("gelu", unitsOf(y.size, CHUNK), y.size * 1.5, ints);
  },
};

export const geluGrad: Implementation<"geluGrad"> = {
  run(engine, { dy, x }, { approximate }, { dx }) {
    const ints = [dy.pointer, x.pointer, dx.pointer, dx.size, flag(approximate === "tanh")];
    engine.run("geluGrad", unitsOf(dx.size, CHUNK), dx.size * 2, ints);
  },
};
