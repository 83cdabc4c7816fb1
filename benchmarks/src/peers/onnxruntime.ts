/** onnxruntime-node: native code with threads. */
import { matmulModel } from "./onnx-model.js";
import { pickRows, type ProductPeer, requirePeer, versionOf } from "./peer.js";

interface OrtTensor {
  readonly data: Float32Array;
  dispose(): void;
}
interface Session {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
interface Ort {
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: { readonly intraOpNumThreads: number; readonly interOpNumThreads: number },
    ): Promise<Session>;
  };
}

export function loadOnnxruntime(threads: number): Promise<ProductPeer> {
  const ort = requirePeer("onnxruntime-node") as Ort;
  return Promise.resolve({
    name: "onnxruntime",
    threads,
    description: `onnxruntime-node ${versionOf("onnxruntime-node")}`,
    async prepare({ rows, K, M }, x, w) {
      const options = { intraOpNumThreads: threads, interOpNumThreads: 1 };
      const session = await ort.InferenceSession.create(matmulModel(rows, K, M, w), options);
      const input = new ort.Tensor("float32", x, [rows, K]);
      return {
        async run() {
          const begin = performance.now();
          const { y } = await session.run({ x: input });
          const ms = performance.now() - begin;
          y.dispose();
          return ms;
        },
        async rows(picked) {
          const { y } = await session.run({ x: input });
          return pickRows(y.data, M, picked);
        },
        free: () => session.release(),
      };
    },
    end: () => Promise.resolve(),
  } satisfies ProductPeer);
}
