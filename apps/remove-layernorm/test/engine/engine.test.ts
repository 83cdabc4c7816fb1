/** Which engine runs, with a native one that is the wasm engine under its name: any build that a test wants, or none. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NativeOptions } from "@normless/tensor-native";
import { wasm } from "@normless/tensor-wasm";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startEngine } from "../../src/engine/engine.js";
import { readRunConfig, removeConfigSchema } from "../../src/run-folder/run-config.js";
import { metricsOf, run, writeTiny } from "../support/tiny.js";

/** Of the native engine; undefined where there is none. */
let build: string | undefined = "one";
vi.mock("@normless/tensor-native", () => ({
  native: async (options: NativeOptions) => {
    if (build === undefined) throw new Error("native: it is not built");
    const engine = await wasm(options);
    const { threads } = engine;
    return { ...engine, name: "native", description: `native, build ${build}, ${threads} threads`, build };
  },
}));
/** What WebGPU finds. */
let software: boolean | undefined;
vi.mock("@normless/tensor/gpu", () => ({
  gpu: async () => {
    if (software === undefined) throw new Error("webgpu: no adapter");
    return { ...(await wasm({ threads: 1 })), name: "webgpu", description: "webgpu, a GPU", software };
  },
}));
afterEach(() => {
  build = "one";
  software = undefined;
});

describe("auto", () => {
  const choice = async () => {
    const { backend, used, choice } = await startEngine({ backend: "auto", threads: 2 });
    await backend.dispose();
    return { used, choice };
  };

  it("is a real GPU", async () => {
    software = false;
    expect(await choice()).toEqual({ used: { backend: "webgpu" }, choice: "auto: webgpu, a GPU" });
  });

  it("is the native engine where it is built, and says why not webgpu", async () => {
    expect(await choice()).toEqual({
      used: { backend: "native", nativeBuild: "one" },
      choice: "auto: native, build one, 2 threads. Not webgpu: webgpu: no adapter",
    });
    software = true;
    expect((await choice()).choice).toContain("Not webgpu: a CPU plays its GPU (webgpu, a GPU)");
  });

  it("is the wasm engine elsewhere, and says why neither of the others", async () => {
    build = undefined;
    const { used, choice: said } = await choice();
    expect(used).toMatchObject({ backend: "wasm" });
    expect(said).toMatch(
      /^auto: wasm, .* 2 threads\. Not webgpu: webgpu: no adapter\. Not native: it is not built$/,
    );
  });
});

it("what is asked for by its name is that or an error", async () => {
  build = undefined;
  await expect(startEngine({ backend: "native" })).rejects.toThrow("native: it is not built");
  await expect(startEngine({ backend: "webgpu" })).rejects.toThrow("webgpu: no adapter");
});

describe("a run on the native engine", () => {
  let folder: string;
  let start: (out: string, ...more: string[]) => string[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "normless-engine-"));
    const { model, recipe } = await writeTiny(folder);
    start = (out, ...more) => ["remove", "--model", model, "--recipe", recipe, "--out", out, ...more];
  });
  afterAll(() => rm(folder, { recursive: true }));

  const stoppedRun = async (name: string, backend: string) => {
    const out = join(folder, name);
    const { code } = await run([...start(out), "--threads", "1", "--backend", backend], "control 1/12");
    expect(code).toBe(130);
    return out;
  };
  const resumed = async (out: string, ...more: string[]) => {
    const { code, err } = await run(["remove", "--resume", out, "--threads", "1", ...more], "saved ");
    expect(code, err).toBe(130);
    return /^the run began with .*$/m.exec(err)?.[0];
  };

  it("records its build, in words too, and goes on in silence with the same one", async () => {
    const out = await stoppedRun("recorded", "native");
    const config = await readRunConfig(out, removeConfigSchema);
    expect(config).toMatchObject({ backend: "native", nativeBuild: "one" });
    expect(config.provenance.processes[0].engine).toContain("native, build one");
    expect(config.provenance.command).toMatch(/ --backend native$/);
    expect(await resumed(out)).toBeUndefined();
    // What `npm start` asks for is no other engine than the run's.
    expect(await resumed(out, "--backend", "auto")).toBeUndefined();
    const page = await run(["report", out]);
    expect(page.code, page.err).toBe(0);
    expect(await readFile(join(out, "report.html"), "utf8")).toContain("native, build one");
  });

  it("says that bits will differ on another build, and on another engine, there and back", async () => {
    const out = await stoppedRun("built-again", "native");
    build = "two";
    expect(await resumed(out)).toBe(
      "the run began with native, build one and goes on with native, build two: its bits will differ from those of a run " +
        "that was not stopped",
    );
    expect(await resumed(out, "--backend", "wasm")).toMatch(
      /native, build one and goes on with wasm, \w+ SIMD/,
    );
    const other = await stoppedRun("on-wasm", "wasm");
    expect(await resumed(other, "--backend", "native")).toMatch(/SIMD and goes on with native, build two/);
    expect(await resumed(other)).toBeUndefined();
  });

  it("is not gone on with by another engine in silence", async () => {
    const out = await stoppedRun("not-built", "native");
    build = undefined;
    const { code, err } = await run(["remove", "--resume", out]);
    expect([code, err]).toEqual([1, expect.stringContaining("native: it is not built")]);
  });

  it("is done again from its config.json, on whatever build there is", async () => {
    const out = join(folder, "whole");
    expect((await run([...start(out), "--backend", "native"])).code).toBe(0);
    build = "two";
    const again = join(folder, "again");
    expect((await run(["remove", "--config", join(out, "config.json"), "--out", again])).code).toBe(0);
    expect(await metricsOf(again)).toEqual(await metricsOf(out));
    expect((await readRunConfig(again, removeConfigSchema)).nativeBuild).toBe("two");
    const elsewhere = ["--config", join(out, "config.json"), "--backend", "wasm", "--dry-run"];
    expect((await run(["remove", ...elsewhere])).code).toBe(0);
  });
});
