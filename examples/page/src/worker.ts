/** Trains in a Web Worker, on WebGPU where there is one and else on the CPU, and tells the page how it goes. */
import { evaluate, valueAndGrad } from "@normless/autograd";
import { AdamW } from "@normless/optim";
import { type Backend, type Tensor, tensor } from "@normless/tensor";
import { gpu } from "@normless/tensor/gpu";
import { wasm } from "@normless/tensor-wasm";
import { accuracy, initialize, logits, loss, moons } from "./model.js";
import { type Message, plane } from "./progress.js";

const UPDATES = 160;
const tell = (message: Message) => postMessage(message);
const frame = () => new Promise((resolve) => setTimeout(resolve, 1000 / 60));

async function engine(): Promise<{ backend: Backend; fallback: string | undefined }> {
  try {
    // What is fastest is not measured first: that would take longer than so small a model does.
    return { backend: await gpu({ mode: "webgpu", webgpu: { tune: false } }), fallback: undefined };
  } catch (error) {
    const fallback = error instanceof Error ? error.message : String(error);
    return { backend: await wasm(), fallback };
  }
}

/** The places of the plane at which the field is looked at, (rows·columns,2). */
function places(backend: Backend): Tensor {
  const { left, top, width, height, columns, rows } = plane;
  const place = (i: number) => [
    left + (width * (i % columns)) / (columns - 1),
    top - (height * Math.floor(i / columns)) / (rows - 1),
  ];
  return tensor(
    backend,
    Array.from({ length: rows * columns }, (_, i) => place(i)),
  );
}

async function train(): Promise<void> {
  const { backend, fallback } = await engine();
  const [known, unseen, everywhere] = [moons(backend, 300, 1), moons(backend, 500, 2), places(backend)];
  const [points, labels] = await backend.readMany([known.x, known.y]);
  tell({ start: { engine: backend.description, fallback, points, labels } });

  const params = initialize(backend, 3);
  const adamw = new AdamW(backend, params);
  for (let step = 1; step <= UPDATES; step++) {
    const { value, grads } = valueAndGrad((v) => loss(v, known), params);
    adamw.update(grads, { learningRate: 0.01 }).free();
    for (const grad of Object.values<Tensor>(grads)) grad.free();
    // A GPU is waited for once for all three, and only when there is something to draw.
    if (step === 1 || step % 2 === 0) {
      const shown = [value, accuracy(params, unseen), evaluate((v) => logits(v, everywhere), params)];
      const [[nats], [share], field] = await backend.readMany(shown);
      tell({ progress: { step, loss: nats, accuracy: share, field } });
      for (const tensor of shown.slice(1)) tensor.free();
      await frame();
    }
    value.free();
  }
  await backend.dispose();
}

train().catch((error: unknown) => tell({ failure: String(error) }));
