/** What computes: in every command that computes anything. */
import { type Command, Option, type OptionValues } from "@commander-js/extra-typings";
import { engineChoices } from "../engine/engine.js";
import { countArguments } from "./arguments.js";

const ENGINE = "The engine:";
const builds = ["auto", "relaxed", "plain"] as const;

const backendOption = new Option(
  "--backend <name>",
  "wasm, the CPU engine that is the same everywhere; native, the one that is compiled for this machine (npm run " +
    "build:native, or npx normless-native build); blas, wasm with the system's BLAS for its products; webgpu; auto, webgpu " +
    "where there is a real GPU, else native where it is built, else wasm; for comparison webgl2, headlessgl, webasm and cpu " +
    "(gpu.js) and reference (slow float64 loops) (default: wasm)",
)
  .choices(engineChoices)
  .helpGroup(ENGINE);
const blasLibraryOption = new Option(
  "--blas-library <file>",
  "the library of --backend blas, by name or path (default: the first usual one that is there)",
).helpGroup(ENGINE);
export const threadsOption = new Option(
  "--threads <n>",
  "threads that compute; any number gives the same bits (default: the cores; of wasm and blas at most 8)",
)
  .argParser(countArguments.threads)
  .helpGroup(ENGINE);
const simdOption = new Option(
  "--simd <build>",
  "auto takes relaxed SIMD where there is any; the builds differ in their last bits (default: auto)",
)
  .choices(builds)
  .helpGroup(ENGINE);
const recomputeOption = new Option(
  "--recompute",
  "keep only what goes into each block and compute the block again in the backward pass: less memory, the same bits",
).helpGroup(ENGINE);

/** The same options with those of `EngineOptions`. */
export function addEngine<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .addOption(backendOption)
    .addOption(blasLibraryOption)
    .addOption(threadsOption)
    .addOption(simdOption);
}

/** Of a command that trains. */
export function addTrainingEngine<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return addEngine(command).addOption(recomputeOption);
}
