import { gpu } from "@normless/tensor/gpu";
import { expect, it } from "vitest";
import { useSwiftShader } from "./vulkan.js";
import { readFiles } from "../removal-files.js";
import { complaints, expectedSteps, removalSteps } from "../removal-steps.js";

useSwiftShader();

it("twenty steps of a removal on webgpu are those of the wasm engine", async () => {
  const files = await readFiles();
  const backend = await gpu({ mode: "webgpu", webgpu: { tune: false } });
  const actual = await removalSteps(backend, files);
  await backend.dispose();
  expect(actual.backend).toMatch(/^gpu, webgpu/);
  expect(complaints(actual, await expectedSteps(files))).toEqual([]);
}, 300_000);
