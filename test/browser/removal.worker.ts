/** The entry of a worker's bundle: twenty steps of a removal on the model that the site serves, in the mode it is sent. */
import { gpu, type GpuOptions } from "@normless/tensor/gpu";
import { type Files, FILES, type RemovalSteps, removalSteps } from "../removal-steps.js";

export type Reply = { readonly result: RemovalSteps } | { readonly error: string };

async function fetchFile(name: string): Promise<Uint8Array> {
  const response = await fetch(`/${name}`);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function run(options: GpuOptions): Promise<RemovalSteps> {
  const [config, model, train, validation] = await Promise.all(FILES.map(fetchFile));
  const files: Files = {
    "config.json": config,
    "model.safetensors": model,
    "train.bin.gz": train,
    "val.bin.gz": validation,
  };
  const backend = await gpu(options);
  const steps = await removalSteps(backend, files);
  await backend.dispose();
  return steps;
}

interface WorkerScope {
  onmessage: (event: { readonly data: GpuOptions }) => void;
  postMessage(reply: Reply): void;
}

const global: object = globalThis;
const scope = global as WorkerScope;
scope.onmessage = ({ data }) => {
  run(data).then(
    (result) => scope.postMessage({ result }),
    (error: unknown) => scope.postMessage({ error: String(error) }),
  );
};
