/**
 * Ops of jax-js on its wasm device. Each goes through `jit`, which is its fastest way to call one (at 2^10 values five times as
 * fast as without), and gives values in their order where the op alone would give a view. Operands are used up unless `.ref`
 * is given.
 */
import { type Api, functionAt, type Handle, type OpPeer, resultsOf } from "./op-peer.js";
import { type Jax, type JaxArray, jaxDescription, startJax } from "./jax-js.js";

export async function loadJaxJsOps(): Promise<OpPeer> {
  const jax = await startJax();
  const api: Api = (path) => functionAt(jax, path);
  return {
    name: "jax-js",
    threads: 1,
    description: jaxDescription(),
    async prepare(op, operands) {
      const given = operands.map(({ data, shape }) => arrayOf(jax, data, shape));
      const inputs = (op.before ? op.before(api, given) : given) as readonly JaxArray[];
      await jax.blockUntilReady(inputs);
      const plain = (...operands: readonly JaxArray[]) => op.call(api, operands);
      const call = op.eager ? plain : jax.jit(plain);
      const compute = () => call(...inputs.map((input) => input.ref));
      const free = (y: Handle) => {
        for (const array of resultsOf(y)) (array as JaxArray).dispose();
      };
      return {
        async run() {
          const begin = performance.now();
          const y = compute();
          if (isArray(y)) await y.blockUntilReady();
          else await jax.blockUntilReady(y);
          const ms = performance.now() - begin;
          free(y);
          return ms;
        },
        async values() {
          const [first, ...others] = resultsOf(compute());
          for (const other of others) free(other);
          return await ((op.after ? op.after(api, first) : first) as JaxArray).data();
        },
        free() {
          for (const input of inputs) input.dispose();
        },
      };
    },
  };
}

const isArray = (y: Handle): y is JaxArray => "blockUntilReady" in y;

function arrayOf({ numpy }: Jax, data: object, shape: readonly number[]): JaxArray {
  // It takes bools as 4 bytes each.
  if (data instanceof Uint8Array) return numpy.array(Int32Array.from(data), { shape, dtype: "bool" });
  return numpy.array(data as Float32Array | Int32Array, { shape });
}
