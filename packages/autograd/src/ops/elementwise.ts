/** Sums, products, scalings, reductions and a squared distance. Operands of add and mul have one shape. */
import { spend } from "../spend.js";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** a + b, of one shape. */
export function add(a: Value, b: Value): Variable {
  const tape = tapeOf("add", a, b);
  const [av, bv] = [onTape(tape, a), onTape(tape, b)];
  const { y } = tape.backend.run("add", { a: av.tensor, b: bv.tensor }, {});
  const output = tape.record([y], [av, bv], (_dy, gradients) => {
    gradients.pass(output, [av, bv]);
  });
  return output;
}

/** a · b elementwise, of one shape. */
export function mul(a: Value, b: Value): Variable {
  const tape = tapeOf("mul", a, b);
  const [av, bv] = [onTape(tape, a), onTape(tape, b)];
  const { y } = tape.backend.run("mul", { a: av.tensor, b: bv.tensor }, {});
  return tape.record([y], [av, bv], (dy, gradients) => {
    gradients.add("mul", { a: dy, b: bv.tensor }, {}, { y: av });
    gradients.add("mul", { a: dy, b: av.tensor }, {}, { y: bv });
  });
}

/** x² elementwise. */
export function square(x: Value): Variable {
  return mul(x, x);
}

/** factor · x. */
export function scale(x: Value, factor: number): Variable {
  const tape = tapeOf("scale", x);
  const xv = onTape(tape, x);
  const { y } = tape.backend.run("scale", { x: xv.tensor }, { factor });
  return tape.record([y], [xv], (dy, gradients) => {
    gradients.add("scale", { x: dy }, { factor }, { y: xv });
  });
}

/** The sum of all values, a scalar. */
export function sum(x: Value): Variable {
  const tape = tapeOf("sum", x);
  const xv = onTape(tape, x);
  const { y } = tape.backend.run("sum", { x: xv.tensor }, {});
  return tape.record([y], [xv], (dy, gradients) => {
    gradients.add("expand", { x: dy }, { shape: xv.shape }, { y: xv });
  });
}

/** The mean of all values, a scalar. */
export function mean(x: Value): Variable {
  const tape = tapeOf("mean", x);
  const xv = onTape(tape, x);
  return scale(sum(xv), 1 / xv.tensor.size);
}

/** The mean of (x − target)², a scalar. */
export function squaredDistance(x: Value, target: number): Variable {
  const tape = tapeOf("squaredDistance", x);
  const xv = onTape(tape, x);
  const { backend } = tape;
  const one = backend.upload(Float32Array.of(-target), []);
  const { y } = spend(one, () => backend.run("expand", { x: one }, { shape: xv.shape }));
  const shift = tape.record([y], [], () => undefined);
  return mean(square(add(xv, shift)));
}
