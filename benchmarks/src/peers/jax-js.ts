/** jax-js on its wasm device, which has one thread in Node. Its arrays are used up by an operation unless `.ref` is given. */
import { importPeer, pickRows, type ProductPeer, versionOf } from "./peer.js";

export interface JaxArray {
  readonly ref: JaxArray;
  blockUntilReady(): Promise<JaxArray>;
  data(): Promise<Float32Array>;
  dispose(): void;
}
export interface Jax {
  readonly numpy: {
    array(
      data: Float32Array | Int32Array,
      options: { readonly shape: readonly number[]; readonly dtype?: string },
    ): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
  };
  jit<F>(f: F): F;
  /** Of an array, or of arrays and objects of them. */
  blockUntilReady<X>(x: X): Promise<X>;
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): string;
}

/** The whole of it, with its wasm device started. */
export async function startJax(): Promise<Jax> {
  const jax = (await importPeer("@jax-js/jax")) as Jax;
  const devices = await jax.init("wasm");
  if (!devices.includes("wasm"))
    throw new Error(`its wasm device did not start; there are ${devices.join(", ")}`);
  jax.defaultDevice("wasm");
  return jax;
}

export const jaxDescription = (): string => `jax-js ${versionOf("@jax-js/jax")}, wasm device`;

export async function loadJaxJs(): Promise<ProductPeer> {
  const { numpy } = await startJax();
  return {
    name: "jax-js",
    threads: 1,
    description: jaxDescription(),
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
