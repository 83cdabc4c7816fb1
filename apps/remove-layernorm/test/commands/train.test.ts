import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configText, standardNorms } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import { native } from "@normless/tensor-native";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metricsOf, run, tinyConfig, writeTiny } from "../support/tiny.js";

const isBuilt = await native({ threads: 1 }).then(
  (engine) => engine.dispose().then(() => true),
  () => false,
);

let folder: string;
let model: string;
let shape: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-train-"));
  ({ model } = await writeTiny(folder));
  shape = join(folder, "shape.json");
  await writeFile(shape, configText(tinyConfig, standardNorms(tinyConfig)));
});
afterAll(() => rm(folder, { recursive: true }));

const start = (out: string, ...more: string[]) => [
  ...["train", "--model-config", shape, "--tokenizer", model, "--out", join(folder, out), "--threads", "1"],
  ...["--steps", "12", "--batch-size", "4", "--block-size", "16", "--evaluate-every", "4"],
  ...["--checkpoint-every", "5", "--validation-tokens", "100", ...more],
];
const trained = async (out: string) => readModelFolder(join(folder, out, "model"));

describe("normless train", () => {
  it("writes a Hugging Face folder with the tokenizer", async () => {
    const { code, out, err } = await run(start("whole"));
    expect(code).toBe(0);
    expect(out).toMatch(/validation cross-entropy 5\.\d{4} nats\/token/);
    expect(err).toMatch(/step 8: validation cross-entropy/);
    const { config, tokenizer } = await trained("whole");
    expect(config).toEqual(tinyConfig);
    expect(tokenizer?.vocabSize).toBe(257);
    const summary = JSON.parse(await readFile(join(folder, "whole/summary.json"), "utf8")) as object;
    expect(summary).toMatchObject({ tokens: 12 * 4 * 16 });
  });

  it("looks at the validation set at the end alone where that is asked for, and says which positions it skips", async () => {
    const { code, err } = await run(start("unlooked", "--evaluate-every", "0", "--block-size", "8"));
    expect(code, err).toBe(0);
    expect(err.match(/validation cross-entropy/g)).toHaveLength(1);
    expect(err).toContain(
      "rows have 8 tokens and the model's context is 16: positions from 8 on are not trained (--block-size 16)\n",
    );
  });

  it("gives the same bits when stopped and resumed", async () => {
    const stopped = await run(start("stopped", "--tensorboard"), "step 4: validation cross-entropy");
    expect(stopped.code).toBe(130);
    await rm(join(folder, "stopped", "tensorboard"), { recursive: true });
    expect(stopped.err).toContain(`npx normless train --resume ${join(folder, "stopped")}`);
    expect((await run(["train", "--resume", join(folder, "stopped"), "--threads", "2"])).code).toBe(0);
    expect(await readdir(join(folder, "stopped", "tensorboard"))).toContain("train");
    expect(await metricsOf(join(folder, "stopped"))).toEqual(await metricsOf(join(folder, "whole")));
    expect((await trained("stopped")).weights).toEqual((await trained("whole")).weights);
  });

  it("drops a checkpoint that a kill, after the last save, kept from being dropped", async () => {
    const out = join(folder, "killed");
    expect((await run(start("killed"))).code).toBe(0);
    const there = await readdir(join(out, "checkpoints"));
    await cp(join(out, "checkpoints", there[0]), join(out, "checkpoints", "step-00000001.msgpack"));
    await rm(join(out, "summary.json"));
    expect((await run(["train", "--resume", out])).code).toBe(0);
    expect(await readdir(join(out, "checkpoints"))).toEqual(there);
  });

  it("says so where the engine cannot keep moments in bfloat16", async () => {
    const { code, err } = await run(start("none", "--backend", "wasm", "--moments", "bfloat16"));
    expect(code).toBe(2);
    expect(err).toContain(
      "moments are to be in bfloat16, and the engine wasm has none such; give --moments float32",
    );
  });

  it.runIf(isBuilt)(
    "keeps moments in bfloat16, and gives the same bits when stopped and resumed",
    async () => {
      const half = (out: string) => start(out, "--backend", "native", "--moments", "bfloat16");
      expect((await run(half("half"))).code).toBe(0);
      expect((await run(start("full", "--backend", "native"))).code).toBe(0);
      expect((await run(half("half-stopped"), "step 8: validation cross-entropy")).code).toBe(130);
      expect((await run(["train", "--resume", join(folder, "half-stopped"), "--threads", "2"])).code).toBe(0);
      const [whole, stopped, full] = await Promise.all(["half", "half-stopped", "full"].map(trained));
      expect(stopped.weights).toEqual(whole.weights);
      expect(whole.weights).not.toEqual(full.weights);
    },
  );

  it("gives the same bits when stopped in a validation, again and again", async () => {
    const out = join(folder, "stopped-validating");
    // After four updates and after eight, and at the end.
    expect((await run(start("stopped-validating"), "validating: validation")).code).toBe(130);
    for (let i = 0; i < 3; i++) {
      const { code, err } = await run(["train", "--resume", out], "validating: validation");
      expect(err).toContain("stopping after the update or validation batch under way");
      expect(code).toBe(130);
      if (i === 0) expect(await metricsOf(out)).toHaveLength(4);
      if (i === 0)
        expect((await run(["train", "--resume", out], "step 4: validation cross-entropy")).code).toBe(130);
    }
    expect((await run(["train", "--resume", out])).code).toBe(0);
    expect(await metricsOf(out)).toEqual(await metricsOf(join(folder, "whole")));
    expect((await trained("stopped-validating")).weights).toEqual((await trained("whole")).weights);
  });

  it("goes on from a checkpoint whatever config it started with, and writes that config again", async () => {
    const path = join(folder, "unusual.json");
    const unusual = {
      ...{ layer_norm_epsilon: 0, activation_function: "gelu_fast", eos_token_id: [80, 256, 9999] },
      ...{ scale_attn_weights: false, scale_attn_by_inverse_layer_idx: true, reorder_and_upcast_attn: true },
    };
    const hf = JSON.parse(await readFile(shape, "utf8")) as object;
    await writeFile(path, JSON.stringify({ ...hf, ...unusual }));
    const whole = await run([...start("unusual"), "--model-config", path]);
    expect(whole.code).toBe(0);
    expect(whole.err.split(`${path}: config.json: eos_token_id is [80,256,9999]; no text of`)).toHaveLength(
      2,
    );
    const stopped = await run(
      [...start("unusual-stopped"), "--model-config", path],
      "step 4: validation cross-entropy",
    );
    expect(stopped.code).toBe(130);
    expect((await run(["train", "--resume", join(folder, "unusual-stopped")])).code).toBe(0);
    const model = await trained("unusual-stopped");
    expect(model.weights).toEqual((await trained("unusual")).weights);
    expect(model.config).toEqual({
      ...{ ...tinyConfig, eps: 0, eot: 80, eosTokenIds: [80, 256], bosTokenId: 256 },
      ...{ scaleAttnWeights: false, scaleAttnByInverseLayerIdx: true, reorderAndUpcastAttn: true },
    });
    // Another function of the same weights than GPT-2's.
    expect(model.weights).not.toEqual((await trained("whole")).weights);
  });

  it("shows with --dry-run what it will take, and writes nothing", async () => {
    const before = await readdir(folder);
    const { code, out } = await run(start("dry", "--dry-run", "--dtype", "BF16"));
    expect(code).toBe(0);
    expect(out).toMatch(/^model +2 layers, 8 channels, 2 heads, 3,944 parameters\n/m);
    expect(out).toMatch(/^training +12 updates of 4 × 16 tokens, seed 1337\n/m);
    expect(out).toMatch(/^tokens +768 trained on, out of a corpus of 3,000\n/m);
    expect(out).toMatch(/^validation +100 tokens every 4 updates and at the end\n/m);
    expect(out).toMatch(/^memory +[\d.]+ kB in tensors at the height of an update\n/m);
    expect(out).toMatch(/^time +about \d+s: training \d+s \(\S+s an update\), validation \d+s\n/m);
    expect(out).toMatch(
      /^disk +.*: two checkpoints of 47\.3 kB .*, models of 7\.9 kB; [\d.]+ [MGT]B are free\n/m,
    );
    expect(await readdir(folder)).toEqual(before);
  });

  it("encodes text with the tokenizer, end-of-text between documents", async () => {
    const text = join(folder, "some.txt");
    await writeFile(text, `${"Fellow citizens ".repeat(20)}<|endoftext|>${"The Union ".repeat(20)}`);
    const { code, out } = await run(
      start("text", ...["--train", text, "--validation", text, text], "--validation-tokens", "all"),
    );
    expect(code).toBe(0);
    expect(out).toContain("model/");
    const card = await readFile(join(folder, "text/model/README.md"), "utf8");
    // 320 and 200 bytes, an end-of-text after each.
    expect(card).toContain("corpus of 522");
    expect(card).toContain("1,043 tokens");
  });

  it("reads a part of another column from an address, and the same when it is resumed", async () => {
    const lines = Array.from({ length: 40 }, (_, i) =>
      JSON.stringify({ id: i, body: `Fellow citizens ${i}` }),
    );
    const server = createServer((_, response) => response.end(lines.join("\n")));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/some.jsonl`;
    const data = ["--train", url, "--validation", url];
    try {
      expect((await run(start("url", ...data))).err).toContain('there is no column "text"');
      const some = ["--text-column", "body", "--train-tokens", "200"];
      const stopped = await run(start("url", ...data, ...some), "step 4: validation cross-entropy");
      expect(stopped.code).toBe(130);
      expect((await run(["train", "--resume", join(folder, "url")])).code).toBe(0);
      expect(await readFile(join(folder, "url/model/README.md"), "utf8")).toContain("corpus of 200");
    } finally {
      server.close();
    }
  });

  it("refuses what cannot be trained, before it writes anything", async () => {
    const refused = async (...more: string[]) => {
      const { code, err } = await run(start("refused", ...more));
      expect(code).toBe(2);
      return err;
    };
    expect(await refused("--block-size", "17")).toContain(
      "blockSize 17 is more than the model's context of 16; give --block-size 16 or less",
    );
    expect(await refused("--preset", "base")).toContain("give one of them");
    expect(await refused("--micro-batch-size", "3")).toContain(
      "is not a multiple of microBatchSize 3; give --micro-batch-size 2",
    );
    const both = join(folder, "both.json");
    await writeFile(both, JSON.stringify({ textColumn: "a", tokenColumn: "b" }));
    expect(await refused("--config", both)).toContain("give one of them");
    expect(await refused("--tokenizer", folder)).toContain("has no tokenizer");
    await expect(readFile(join(folder, "refused/config.json"))).rejects.toThrow("ENOENT");
  });
});
