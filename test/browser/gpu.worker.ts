/** The entry of a worker's bundle: conformance of all kernels in the GPU mode it is sent, kernel by kernel. */
import { gpu, type GpuOptions } from "@normless/tensor/gpu";
import { conformance } from "@normless/tensor/testing";

export interface Report {
  readonly description: string;
  /** By kernel: its checks, in the mode that ran them. The executor refuses results of any other mode. */
  readonly kernels: Readonly<Record<string, { readonly mode: string; readonly passed: number }>>;
  readonly failures: readonly string[];
  readonly liveBytes: number;
}
export type Reply = { readonly result: Report } | { readonly error: string };

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
  const { liveBytes } = backend.memory();
  await backend.dispose();
  return { description: backend.description, kernels, failures, liveBytes };
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
