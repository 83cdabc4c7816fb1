/** The entry of a worker's bundle: in the GPU mode it is sent, conformance kernel by kernel, and PyTorch's fixture. */
import { gpu, type GpuOptions } from "@normless/tensor/gpu";
import { memoryFolder } from "@normless/gpt2";
import { conformance } from "@normless/tensor/testing";
import { FIXTURE_FILES, readFixture } from "../../packages/gpt2/test/fixture.js";
import { pytorchChecks } from "../../packages/gpt2/test/pytorch.js";

export interface Report {
  readonly description: string;
  /** By kernel: its checks, in the mode that ran them. The executor refuses results of any other mode. */
  readonly kernels: Readonly<Record<string, { readonly mode: string; readonly passed: number }>>;
  /** Checks of PyTorch's fixture that passed, and how many there are. */
  readonly pytorch: { readonly passed: number; readonly of: number };
  readonly failures: readonly string[];
  readonly liveBytes: number;
}
export type Reply = { readonly result: Report } | { readonly error: string };

/** The fixture's files, as the site serves them. */
async function fetchFixture() {
  const files: Record<string, Uint8Array> = {};
  for (const name of FIXTURE_FILES) {
    const response = await fetch(`/${name}`);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    files[name] = new Uint8Array(await response.arrayBuffer());
  }
  return readFixture(memoryFolder("the fixture", files));
}

async function conform(options: GpuOptions): Promise<Report> {
  const backend = await gpu(options);
  const kernels: Record<string, { mode: string; passed: number }> = {};
  const failures: string[] = [];
  for (const check of conformance()) {
    const entry = (kernels[check.kernel] ??= { mode: backend.mode, passed: 0 });
    try {
      await check.run(backend);
      entry.passed += 1;
    } catch (error) {
      failures.push(`${check.name}: ${String(error)}`);
    }
  }
  const checks = pytorchChecks(await fetchFixture());
  let passed = 0;
  for (const check of checks) {
    try {
      await check.run(backend);
      passed += 1;
    } catch (error) {
      failures.push(`PyTorch, ${check.name}: ${String(error)}`);
    }
  }
  const pytorch = { passed, of: checks.length };
  const { liveBytes } = backend.memory();
  await backend.dispose();
  return { description: backend.description, kernels, pytorch, failures, liveBytes };
}

interface WorkerScope {
  onmessage: (event: { readonly data: GpuOptions }) => void;
  postMessage(reply: Reply): void;
}

const global: object = globalThis;
const scope = global as WorkerScope;
scope.onmessage = ({ data }) => {
  conform(data).then(
    (result) => scope.postMessage({ result }),
    (error: unknown) => scope.postMessage({ error: String(error) }),
  );
};
