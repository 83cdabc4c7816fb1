/** A GPU is read once for several updates: the bits are those of reading each, and its memory does not grow by it. */
import { standardNorms } from "@normless/gpt2";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { removeLayerNorm, type RunState, measureStds } from "@normless/removal";
import { Trainer } from "@normless/train";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe } from "@normless/removal/testing";
import { gpuBackend, kernels } from "../../packages/tensor/src/gpu/index.js";
import { openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import { cpuTuning } from "../../packages/tensor/src/gpu/wgsl/tuning.js";
import { wgslKernels } from "../../packages/tensor/src/gpu/wgsl/kernels/index.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();

// Updates take no time: then they are read together by as many as ever.
beforeEach(() => vi.spyOn(performance, "now").mockReturnValue(0));
afterEach(() => vi.restoreAllMocks());

async function open() {
  const executor = new WebGpuExecutor(await openDevice());
  return { executor, backend: gpuBackend(executor, { ...kernels, ...wgslKernels(cpuTuning) }) };
}

/** What a removal says, and its checkpoints, on a device of its own. */
async function removal(readTogether: boolean, resume?: RunState) {
  const { backend } = await open();
  expect(backend.asynchronous).toBe(true);
  const control = { losses: new Array<number>(recipe.steps).fill(0), validation: 0 };
  const input = { model: { config, weights }, corpus, recipe, control, resume };
  const events: unknown[] = [];
  const states: RunState[] = [];
  const how = Object.assign(backend, { asynchronous: readTogether });
  for await (const event of removeLayerNorm({ backend: how, ...input })) {
    if (event.type === "checkpoint") states.push(event.state);
    else if (event.type === "done") events.push(event.summary.validation, event.frozen, event.folded);
    else if (event.type !== "plan") events.push({ ...event, seconds: 0, tokensPerSecond: 0 });
  }
  await backend.dispose();
  return { events, states };
}

it("a removal on webgpu has the events and bits of one that reads each update, resumed or not", async () => {
  const expected = await removal(false);
  const together = await removal(true);
  expect(together).toEqual(expected);
  const [, middle] = together.states;
  const { events: rest } = await removal(true, structuredClone(middle));
  expect(rest.length).toBeGreaterThan(10);
  expect(rest).toEqual(expected.events.slice(-rest.length));
});

describe("updates on webgpu that are read ten at a time", () => {
  it("take no more of the device from the second read on, and give back what none of them takes", async () => {
    const { executor, backend } = await open();
    const trainer = await Trainer.create(backend, config, weights, recipe);
    const options = { norms: standardNorms(config), auxiliaryWeight: 0.1, measure: measureStds };
    const [allocated, live]: [number[], number[]] = [[], []];
    const large = 1 << 22;
    for (let read = 0; read < 12; read++) {
      while (!trainer.resultsDue) await trainer.update(corpus.train, options);
      for await (const _result of trainer.results());
      allocated.push(executor.allocatedBytes);
      live.push(backend.memory().liveBytes);
      if (read === 0) backend.upload(new Float32Array(large / 4), [large / 4]).free();
    }
    expect(trainer.step).toBe(111);
    expect(new Set(live).size).toBe(1);
    expect(allocated[1]).toBeGreaterThan(large);
    expect(new Set(allocated.slice(-3))).toEqual(new Set([allocated[1] - large]));
    await backend.dispose();
  });
});
