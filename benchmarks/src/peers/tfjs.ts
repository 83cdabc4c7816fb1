/** tfjs-backend-wasm: XNNPACK in WebAssembly, on one thread in Node. */
import { pickRows, type ProductPeer, requirePeer, versionOf } from "./peer.js";

interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}
interface Tf {
  tensor2d(data: Float32Array, shape: readonly number[]): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
}

/** The whole of it, with its wasm backend started. */
export async function startTfjs(): Promise<object> {
  const tf = requirePeer("@tensorflow/tfjs-core") as Tf;
  requirePeer("@tensorflow/tfjs-backend-wasm");
  if (!(await tf.setBackend("wasm"))) throw new Error("its wasm backend did not start");
  await tf.ready();
  return tf;
}

export const tfjsDescription = (): string =>
  `tfjs-backend-wasm ${versionOf("@tensorflow/tfjs-backend-wasm")}`;

export async function loadTfjs(): Promise<ProductPeer> {
  const tf = (await startTfjs()) as Tf;
  return {
    name: "tfjs-wasm",
    threads: 1,
    description: tfjsDescription(),
    prepare({ rows, K, M }, x, w) {
      const [a, b] = [tf.tensor2d(x, [rows, K]), tf.tensor2d(w, [K, M])];
      return Promise.resolve({
        run() {
          const begin = performance.now();
          const y = tf.matMul(a, b);
          const ms = performance.now() - begin;
          y.dispose();
          return Promise.resolve(ms);
        },
        rows(picked: readonly number[]) {
          const y = tf.matMul(a, b);
          const values = pickRows(y.dataSync(), M, picked);
          y.dispose();
          return Promise.resolve(values);
        },
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
