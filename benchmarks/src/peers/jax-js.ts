/** jax-js on its wasm device, which has one thread in Node. Its arrays are used up by an operation unless `.ref` is given. */
import { importPeer, pickRows, type ProductPeer, versionOf } from "./peer.js";

interface JaxArray {
  readonly ref: JaxArray;
  blockUntilReady(): Promise<JaxArray>;
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Jax {
  readonly numpy: {
    array(data: Float32Array, options: { readonly shape: readonly number[] }): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
  };
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): string;
}

export async function loadJaxJs(): Promise<ProductPeer> {
  const jax = (await importPeer("@jax-js/jax")) as Jax;
  const devices = await jax.init("wasm");
  if (!devices.includes("wasm"))
    throw new Error(`its wasm device did not start; there are ${devices.join(", ")}`);
  jax.defaultDevice("wasm");
  const { numpy } = jax;
  return {
    name: "jax-js",
    threads: 1,
    description: `jax-js ${versionOf("@jax-js/jax")}, wasm device`,
    // Measured: M = 3071 and 3073 take a hundred times as long as 3072, which would be minutes for a vocabulary.
    refuses: ({ M }) => (M % 2 === 1 ? `its generated loops do not tile an odd ${M}` : undefined),
    prepare({ rows, K, M }, x, w) {
      const [a, b] = [numpy.array(x, { shape: [rows, K] }), numpy.array(w, { shape: [K, M] })];
      return Promise.resolve({
        async run() {
          const begin = performance.now();
          const y = await numpy.matmul(a.ref, b.ref).blockUntilReady();
          const ms = performance.now() - begin;
          y.dispose();
          return ms;
        },
        rows: async (picked: readonly number[]) =>
          pickRows(await numpy.matmul(a.ref, b.ref).data(), M, picked),
        free() {
          a.dispose();
          b.dispose();
          return Promise.resolve();
        },
      });
    },
    end: () => Promise.resolve(),
  };
}
