/** The conformance suite as tests of a GPU backend. At the end it prints kernel by kernel what ran where: a log says what was tested. */
import type { KernelName } from "@normless/tensor";
import type { GpuBackend, GpuMode } from "@normless/tensor/gpu";
import { conformance } from "@normless/tensor/testing";
import { afterAll, beforeAll, expect, it } from "vitest";

export interface Conforms {
  /** The executor refuses results of any other. */
  readonly mode: GpuMode;
  readonly open: () => Promise<GpuBackend>;
  /** Which kernels; default all. */
  readonly of?: RegExp;
  /** Names of checks that the mode cannot pass; whoever leaves one out says why. */
  readonly except?: RegExp;
}

export function conforms({ mode, open, of = /./, except }: Conforms): void {
  let backend: GpuBackend;
  const passed: { [K in KernelName]?: number } = {};
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(async () => {
    const ran = Object.entries(passed).map(([kernel, count]) => `${kernel}: ${count} in ${backend.mode}`);
    console.log([backend.description, ...ran].join("\n"));
    await backend.dispose();
  });

  it("runs in the mode that was asked for", () => {
    expect(backend.mode).toBe(mode);
  });
  for (const check of conformance().filter(({ kernel, name }) => of.test(kernel) && !except?.test(name))) {
    it(check.name, async () => {
      await check.run(backend);
      passed[check.kernel] = (passed[check.kernel] ?? 0) + 1;
    });
  }
}
