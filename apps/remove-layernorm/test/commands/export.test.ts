import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate } from "@normless/autograd";
import {
  forward,
  freezeAll,
  type HostModel,
  normModules,
  replaceNorm,
  uploadTokens,
  uploadWeights,
} from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { frozenNorm } from "@normless/layernorm";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
let frozen: string;
let data: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-export-"));
  ({ model } = await writeTiny(folder));
  frozen = join(folder, "frozen");
  data = ["--data", join(model, "val.bin"), "--tokens", "100", "--threads", "1"];
  const loaded = await readModelFolder(model);
  const stds = Object.fromEntries(normModules(tinyConfig).map((name, i) => [name, 0.02 + 0.01 * i]));
  const norms = replaceNorm(freezeAll(loaded.norms, stds), "h.1.ln_1:v", frozenNorm(0.07));
  await writeModelFolder(frozen, { ...loaded, norms });
});
afterAll(() => rm(folder, { recursive: true }));

const exporting = (from: string, to: string, ...more: string[]) =>
  run(["export", "--model", from, "--out", join(folder, to), ...data, ...more]);

async function logitsOf({ config, weights, norms }: HostModel) {
  const backend = reference();
  const ids = uploadTokens(backend, config, { inputs: Int32Array.of(3, 256, 4, 80, 5, 99), B: 2, T: 3 });
  const logits = evaluate(
    (params) => forward({ config, params, norms }, ids),
    await uploadWeights(backend, weights),
  );
  return Float64Array.from(await logits.read());
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

describe("normless export", () => {
  it.each([
    ["folded", "folded", "normless"],
    ["gpt2", "standard", "eps-1e12-folded"],
    ["transformer-lens", "folded", "transformer-lens"],
  ])("writes the form %s, checked, with the same logits and a card", async (form, kind, layout) => {
    const { code, out, err } = await exporting(frozen, form, "--form", form);
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toMatch(
      /Read back and checked on 100 tokens: cross-entropy (5\.\d{6}) nats\/token, and 5\.\d{6} before \(0\.0000\); logits differ by at most \d\.\de-\d/,
    );
    const written = await readModelFolder(join(folder, form));
    expect(written.layout).toBe(layout);
    expect(new Set(Object.values(written.norms).map((norm) => norm.kind))).toEqual(new Set([kind]));
    expect(written.tokenizer?.eot).toBe(256);
    expectClose(form, await logitsOf(written), await logitsOf(await readModelFolder(frozen)), 1e-5);
    const card = await readFile(join(folder, form, "README.md"), "utf8");
    expect(card).toContain("Read back from this folder, on 100 tokens");
    const loading: Record<string, string[]> = {
      folded: ["readModelFolder"],
      gpt2: ["AutoModelForCausalLM.from_pretrained", "TransformerBridge.boot_transformers"],
      "transformer-lens": ["TransformerBridge.boot_native", "HookedTransformer(config"],
    };
    for (const call of loading[form]) expect(card).toContain(call);
  });

  it("tells what the epsilon of 1e12 costs at each norm", async () => {
    const { out } = await exporting(frozen, "costs", "--form", "gpt2");
    expect(out).toMatch(/ln_f .* 0\.0\d+ .* \d\.\de-1\d /);
    expect(out.match(/h\.1\.ln_[12] /g)).toHaveLength(2);
  });

  it("refuses the form gpt2 where a residual is too large for it, and not the others", async () => {
    const large = join(folder, "large");
    const loaded = await readModelFolder(frozen);
    const { shape, data: values } = loaded.weights["wte.weight"];
    const wte = { shape, data: values.map((value) => value * 1e6) };
    const stds = Object.fromEntries(normModules(tinyConfig).map((name) => [name, 2e4]));
    await writeModelFolder(large, {
      ...loaded,
      weights: { ...loaded.weights, "wte.weight": wte, "lm_head.weight": loaded.weights["wte.weight"] },
      config: { ...loaded.config, tied: false },
      norms: freezeAll(loaded.norms, stds),
    });
    const { code, err } = await exporting(large, "too-large", "--form", "gpt2");
    expect(code).toBe(2);
    expect(err).toMatch(
      /at h\.0\.ln_1 a residual has a std of \d+.*at most 0\.0001 is allowed.*--form folded/,
    );
    expect(await isThere(join(folder, "too-large"))).toBe(false);
    expect((await exporting(large, "large-folded")).code).toBe(0);
  });

  it("writes half precision, with its change of the loss", async () => {
    const half = await exporting(frozen, "half", "--dtype", "F16");
    expect(half.code).toBe(0);
    const brain = await exporting(frozen, "brain", "--form", "gpt2", "--dtype", "BF16");
    expect(brain.code).toBe(0);
    expect(brain.err).toMatch(/BF16 rounds the gammas .* the cross-entropy changes by [+−]?0\.\d{4} nats/);
    const refused = await exporting(frozen, "never", "--form", "gpt2", "--dtype", "F16");
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("float16 ends at 65504");
  });

  it("fails and takes the folder away when what is read back is not the model", async () => {
    const cut = join(folder, "cut");
    const loaded = await readModelFolder(frozen);
    // Float16 keeps nothing of a head this small, so that all logits become 0.
    const { shape, data: values } = loaded.weights["wte.weight"];
    const head = { shape, data: values.map((value) => value * 1e-7) };
    await writeModelFolder(cut, {
      ...loaded,
      weights: { ...loaded.weights, "lm_head.weight": head },
      config: { ...loaded.config, tied: false },
      norms: freezeAll(loaded.norms, Object.fromEntries(normModules(tinyConfig).map((name) => [name, 1]))),
    });
    const { code, err } = await exporting(cut, "broken", "--dtype", "F16");
    expect(err).toMatch(/what was read back is not the model: .* What was written was removed/);
    expect(code).toBe(1);
    expect(await isThere(join(folder, "broken"))).toBe(false);
  });

  it("freezes at constants before, and names what is left", async () => {
    const { code, err } = await exporting(model, "left");
    expect(code).toBe(2);
    expect(err).toContain("the norm at h.0.ln_1:qk is a LayerNorm");
    expect(err).toContain("--norms FILE");
    const norms = join(folder, "stds.json");
    await writeFile(norms, JSON.stringify(Object.fromEntries(normModules(tinyConfig).map((m) => [m, 0.03]))));
    expect((await exporting(model, "constants", "--norms", norms)).code).toBe(0);
  });

  it("centres what adds to the residual when asked to", async () => {
    const { code } = await exporting(frozen, "centred", "--form", "transformer-lens", "--centre-writers");
    expect(code).toBe(0);
    const { weights } = await readModelFolder(join(folder, "centred"));
    const mean = weights["wpe.weight"].data.subarray(0, tinyConfig.channels).reduce((a, b) => a + b, 0);
    expect(Math.abs(mean)).toBeLessThan(1e-6);
    const refused = await exporting(frozen, "never", "--form", "gpt2", "--centre-writers");
    expect(refused.err).toContain("does not go with --form gpt2");
  });

  it("refuses without tokens, and for a folder that is not empty", async () => {
    const argv = ["export", "--model", frozen, "--out", join(folder, "never")];
    const without = await run(argv);
    expect(without.code).toBe(2);
    expect(without.err).toContain("Name the files: --data FILE");
    expect((await exporting(frozen, "frozen")).err).toContain("the folder is not empty");
    const folded = await exporting(frozen, "once");
    expect(folded.code).toBe(0);
    expect((await exporting(join(folder, "once"), "again", "--form", "gpt2")).err).toContain(
      "its head has a bias over the vocabulary",
    );
  });
});
