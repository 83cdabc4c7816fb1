/** Ops of tfjs on its wasm backend, where a call returns when it has computed. */
import { type Api, functionAt, type Handle, type OpPeer, resultsOf } from "./op-peer.js";
import { startTfjs, tfjsDescription } from "./tfjs.js";

interface TfTensor {
  dataSync(): ArrayLike<number>;
  dispose(): void;
}
interface Tf {
  tensor(data: object, shape: readonly number[], dtype: string): TfTensor;
  /** Frees what `make` leaves, but for what it returns. */
  tidy<R>(make: () => R): R;
  engine(): { startScope(): void; endScope(): void };
  memory(): { readonly numTensors: number };
  enableProdMode(): void;
}

export async function loadTfjsOps(): Promise<OpPeer> {
  const tf = (await startTfjs()) as Tf;
  // Without its checks of arguments and results, as its documentation has it for production.
  tf.enableProdMode();
  const api: Api = (path) => functionAt(tf, path);
  const free = (tensors: readonly Handle[]) => {
    for (const tensor of tensors as readonly TfTensor[]) tensor.dispose();
  };
  return {
    name: "tfjs-wasm",
    threads: 1,
    description: tfjsDescription(),
    prepare(op, operands) {
      const none = tf.memory().numTensors;
      const inputs = tf.tidy(() => {
        const given = operands.map(({ data, shape }) => tf.tensor(data, shape, kindOf(data)));
        return op.before ? op.before(api, given) : given;
      });
      const plain = () => op.call(api, inputs);
      const call = makesMore(tf, plain) ? () => tf.tidy(plain) : plain;
      return Promise.resolve({
        run() {
          const begin = performance.now();
          const y = call();
          const ms = performance.now() - begin;
          free(resultsOf(y));
          return Promise.resolve(ms);
        },
        values() {
          const y = tf.tidy(() => {
            const [first] = resultsOf(op.call(api, inputs));
            return op.after ? op.after(api, first) : first;
          });
          const values = (y as TfTensor).dataSync();
          free([y]);
          return Promise.resolve(values);
        },
        free() {
          free(inputs);
          const left = tf.memory().numTensors - none;
          if (left !== 0) throw new Error(`tfjs-wasm: ${left} tensors are left`);
        },
      });
    },
  };
}

const kindOf = (data: object) =>
  data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "bool";

/** Whether a call leaves tensors besides its results; only such a call needs to be tidied. */
function makesMore(tf: Tf, call: () => Handle): boolean {
  tf.engine().startScope();
  const before = tf.memory().numTensors;
  const results = resultsOf(call());
  const more = tf.memory().numTensors - before > results.length;
  tf.engine().endScope();
  return more;
}
