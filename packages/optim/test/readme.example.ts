import { AdamW, warmupCosine } from "@normless/optim";
import { reference, type Tensor, tensor } from "@normless/tensor";

const backend = reference();
const params = { "wte.weight": tensor(backend, [[1, -1]]), "ln_f.bias": tensor(backend, [1, -1]) };
const grads = { "wte.weight": tensor(backend, [[3, 0]]), "ln_f.bias": tensor(backend, [0, 4]) };
const decays = (_name: string, { shape }: Tensor) => shape.length >= 2;
const optimizer = new AdamW(backend, params, { beta2: 0.95, weightDecay: 0.1, decays });

const schedule = { peak: 0.1, floor: 0.01, warmupSteps: 10, totalSteps: 100 };
const learningRate = warmupCosine(schedule, optimizer.step);
const normSquared = optimizer.update(grads, { learningRate, maxNorm: 1 });

console.log(learningRate, await normSquared.item()); // 0.01 25
const rounded = Array.from(await params["ln_f.bias"].read(), (value) => value.toFixed(3));
console.log(rounded); // [ '1.000', '-1.010' ]
