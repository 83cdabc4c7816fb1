import { AdamW } from "@normless/optim";
import { loadTensors, readAdamWState, readTensors, stateEntries, tensorEntries } from "@normless/params";
import { fromBytes, openStore, toBytes } from "@normless/safetensors";
import { reference, tensor } from "@normless/tensor";

const backend = reference();
const params = { weight: tensor(backend, [[1, -1]]), bias: tensor(backend, [0.5]) };
const adamw = new AdamW(backend, params);
adamw.update(params, { learningRate: 0.1 }).free(); // any gradients

const file = await toBytes([...tensorEntries(params), ...stateEntries(await adamw.save(), params)]);

const store = await openStore([fromBytes(file, "training.safetensors")]);
console.log(store.names().slice(0, 4)); // [ 'weight', 'bias', 'adamw.step', 'adamw.m.weight' ]

const again = await readTensors(store, backend); // as new tensors
const goingOn = new AdamW(backend, again);
goingOn.load(await readAdamWState(store, again));
await loadTensors(store, params); // or into those that there are
console.log(Object.keys(again), goingOn.step); // [ 'weight', 'bias' ] 1
