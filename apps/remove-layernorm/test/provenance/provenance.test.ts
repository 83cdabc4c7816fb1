/** Where a run comes from: by content, without whose computer it was; and a run's config.json does it again. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, hostname, tmpdir, userInfo } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repeatCommand } from "../../src/provenance/command.js";
import { dateFacts, processFacts } from "../../src/provenance/facts.js";
import { publicPath } from "../../src/provenance/public-path.js";
import type { Provenance } from "../../src/provenance/schema.js";
import { shellWord } from "../../src/shell.js";
import { removalRecipes } from "@normless/removal";
import { COMMIT } from "@normless/hub/testing";
import { hubFolder, NAME } from "../models/hub/hub-folder.js";
import { someProvenance } from "./provenance-of.js";
import { metricsOf, run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
let whole: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-provenance-"));
  tiny = await writeTiny(folder);
  whole = join(folder, "whole");
  expect((await run(start(whole))).code).toBe(0);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const start = (out: string, ...more: string[]) => [
  ...["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--out", out, "--threads", "1", ...more],
];
const json = async (path: string) => JSON.parse(await readFile(path, "utf8")) as { provenance: Provenance };
const provenanceOf = async (out: string) => (await json(join(out, "config.json"))).provenance;
const sha256 = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

describe("a public path", () => {
  const around = { cwd: "/home/ada/work", home: "/home/ada", user: "ada" };
  it.each([
    ["model", "model"],
    ["/home/ada/work/runs/a", "runs/a"],
    [".", "."],
    ["../data/train.bin", "~/data/train.bin"],
    ["/data/owt/train.bin", "/data/owt/train.bin"],
    ["/mnt/ada/owt/train.bin", "…/train.bin"],
    ["/home/adalbert/x.bin", "/home/adalbert/x.bin"],
    ["https://u:secret@example.org/a/b.parquet?token=1", "https://example.org/a/b.parquet?…"],
  ])("of %s is %s", (path, expected) => expect(publicPath(path, around)).toBe(expected));

  it("never has the home in it, nor the user's name as a folder", () => {
    const part = fc.constantFrom("home", "ada", "work", "x y", "..", "mnt");
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const shown = publicPath(`/${parts.join("/")}/file.bin`, around);
        expect(shown.split("/").slice(0, -1)).not.toContain("ada");
      }),
    );
  });
});

it("a word of a shell is that word again, with a home where it begins with one", () => {
  expect(shellWord("runs/a-b_1.bin")).toBe("runs/a-b_1.bin");
  expect(shellWord("~/a b")).toBe("~/'a b'");
  expect(shellWord("it's $5")).toBe(String.raw`'it'\''s $5'`);
  expect(shellWord("")).toBe("''");
});

describe("the command that repeats a run", () => {
  const builtIn = removalRecipes;
  const [first] = Object.values(builtIn);
  const engine = { backend: "wasm", simd: "plain" } as const;
  const of = (options: object, recipe: object = first) =>
    repeatCommand({ command: "remove", options, recipe, engine, builtIn });

  it("names the recipe, even the one that is taken without being named", () => {
    expect(of({})).toBe(`npx normless remove --recipe ${first.name} --simd plain`);
    const changed = { ...first, steps: 30 };
    expect(of({ steps: 30, model: "m", threads: 2, out: "x", force: true }, changed)).toBe(
      `npx normless remove --steps 30 --model m --recipe ${first.name} --simd plain`,
    );
  });

  it("reads a recipe of no name from a file, which has all that options say of it", () => {
    for (const recipe of ["mine.json", { steps: 3 }]) {
      expect(of({ recipe, steps: 30, prompt: "a b" }, { ...first, name: "mine" })).toBe(
        "npx normless remove --recipe recipe.json --prompt 'a b' --simd plain",
      );
    }
    // What a file says may be a recipe that has a name.
    expect(of({ recipe: { ...first } })).toContain(`--recipe ${first.name} `);
  });

  it("has several files, switches that are on, and the engine that ran", () => {
    const options = { recipe: first.name, train: ["a.bin", "b.bin"], recompute: true, bugCompatible: false };
    const changed = { ...first, seed: 1 };
    const blas = { backend: "blas", simd: "relaxed", blasLibrary: "libblas.so.3" } as const;
    expect(repeatCommand({ command: "remove", options, recipe: changed, engine: blas, builtIn })).toBe(
      `npx normless remove --recipe ${first.name} --train a.bin b.bin --recompute --backend blas --simd relaxed ` +
        "--blas-library libblas.so.3",
    );
  });
});

describe("a run", () => {
  it("says what it read, by the SHA-256 of files and tokens, in config, summary, report and cards", async () => {
    const provenance = await provenanceOf(whole);
    const weights = await sha256(join(tiny.model, "model.safetensors"));
    const train = await sha256(join(tiny.model, "train.bin"));
    // Beginnings of documents are looked for beyond the plain windows.
    const looked = await sha256(join(tiny.model, "val.bin"));
    expect(provenance.model).toMatchObject({ name: "model" });
    expect(provenance.model?.weights).toMatchObject([{ name: "model.safetensors", sha256: weights }]);
    // The tokens of a shard are its bytes.
    expect(provenance.data.train).toMatchObject({ files: [{ sha256: train }], tokens: 3000, sha256: train });
    expect(provenance.data.validation).toMatchObject({ tokens: 400, sha256: looked });
    const summary = await json(join(whole, "summary.json"));
    expect(summary.provenance).toEqual({ ...provenance, ended: expect.any(String) as string });
    const { normless, packages, node, engine, system, cores } = provenance.processes[0];
    expect([normless, packages["@normless/tensor"]]).toEqual(["0.0.0", "0.0.0"]);
    expect([node, system, cores > 0]).toEqual([process.versions.node, expect.any(String), true]);
    for (const file of ["report.html", "control/README.md", "ln-free/README.md", "ln-free-gpt2/README.md"]) {
      const text = (await readFile(join(whole, file), "utf8")).replaceAll("&#39;", "'");
      for (const said of [
        weights,
        train,
        looked,
        engine,
        system,
        `normless ${normless}`,
        provenance.command,
      ]) {
        expect(text, file).toContain(said);
      }
      expect(text, file).toMatch(/begun\W[^]*20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
      expect(text.includes("ended"), file).toBe(!file.startsWith("control"));
    }
  });

  it("says nothing of whose computer it was", async () => {
    const names = [hostname(), `${homedir()}/`, `/${userInfo().username}/`];
    for (const file of ["summary.json", "report.html", "control/README.md", "ln-free/README.md"]) {
      const text = await readFile(join(whole, file), "utf8");
      for (const name of names) expect(text.includes(name), `${file} has ${name}`).toBe(false);
    }
  });

  it("counts rows and end-of-texts, and each process that worked on it", async () => {
    const out = join(folder, "rows");
    const data = join(folder, "rows.jsonl");
    await writeFile(
      data,
      Array.from({ length: 90 }, () => '{"text": "the people of the states"}\n').join(""),
    );
    expect((await run(start(out, "--train", data, "--train-tokens", "1000"), "control 1/12")).code).toBe(130);
    const { data: of } = await provenanceOf(out);
    // Each row has 24 tokens and an end-of-text.
    expect(of.train.files).toMatchObject([{ tokens: 1000, rows: 40, sha256: await sha256(data) }]);
    expect([of.train.tokens, of.train.documents]).toEqual([1000, 40]);
    expect((await run(["remove", "--resume", out, "--threads", "2"])).code).toBe(0);
    const { processes } = await provenanceOf(out);
    expect(processes.map(({ threads }) => threads)).toEqual([1, 2]);
    expect(await readFile(join(out, "ln-free/README.md"), "utf8")).toMatch(
      /\| engine \| .*1 thread; then .*2 threads \|[^]*\| resumed \| 20/,
    );
  });

  it("of a model from the hub says name and commit, and is gone on with by these", async () => {
    const hub = await hubFolder();
    try {
      const out = join(hub.folder, "run");
      const data = ["--corpus", join(hub.folder, "model")];
      const argv = ["remove", "--model", NAME, ...data, "--recipe", tiny.recipe, "--out", out];
      expect((await run([...argv, "--threads", "1"], "control 1/12")).code).toBe(130);
      const provenance = await provenanceOf(out);
      expect(provenance.model).toMatchObject({ name: NAME, revision: COMMIT });
      expect(provenance.command).toContain(`--model ${NAME}@${COMMIT} `);
      // The cache may be gone.
      await rm(hub.home, { recursive: true });
      expect((await run(["remove", "--resume", out, "--threads", "1"])).code).toBe(0);
      const card = await readFile(join(out, "ln-free/README.md"), "utf8");
      expect(card).toContain(`base_model: ${NAME}\n`);
      expect(card).toContain(`# ${NAME} without LayerNorm`);
      expect(card).toContain(`commit ${COMMIT}`);
    } finally {
      await hub.remove();
    }
  });
});

it("facts are told once where processes agree, and in turn where they do not", () => {
  const [one] = someProvenance.processes;
  const other = { ...one, began: "2026-02-01T00:00:00.000Z", node: "22.1.0", commit: "abc+" };
  const facts = Object.fromEntries(processFacts({ ...someProvenance, processes: [one, other, other] }));
  expect(facts["engine"]).toBe("wasm, relaxed SIMD, 2 threads");
  expect(facts["machine"]).toBe("A CPU, 2 cores, 16 GiB, linux x64");
  expect(facts["versions"]).toBe(
    "normless 1.2.3, its packages the same; Node 20.20.2; then " +
      "normless 1.2.3 (commit abc, with changes), its packages the same; Node 22.1.0",
  );
  expect(dateFacts({ ...someProvenance, processes: [one, other] })).toEqual([
    ["begun", "2026-01-31 09:05:00 UTC"],
    ["resumed", "2026-02-01 00:00:00 UTC"],
  ]);
});

describe("a run's config.json", () => {
  const again = (...more: string[]) => run(["remove", "--config", join(whole, "config.json"), ...more]);

  it("does the run again, to the bit", async () => {
    const out = join(folder, "again");
    const { code, err } = await again("--out", out, "--threads", "1");
    expect([code, err]).toEqual([0, expect.not.stringContaining("SHA-256 differs")]);
    expect(await metricsOf(out)).toEqual(await metricsOf(whole));
    const [a, b] = [await provenanceOf(whole), await provenanceOf(out)];
    expect([b.model, b.data]).toEqual([a.model, a.data]);
    expect(b.processes).toHaveLength(1);
  });

  it("is below the command line, fields of the recipe and the engine, too", async () => {
    const dry = async (...more: string[]) => (await again("--dry-run", ...more)).out;
    expect(await dry("--steps", "24", "--seed", "7")).toMatch(
      /recipe +tiny, seed 7\n[^]*2 × 24 updates of 4 × 16/,
    );
    expect(await dry("--recipe", "taper-norm-2026", "--block-size", "16")).toContain(
      "recipe     taper-norm-2026, seed 1337",
    );
    // The build is the wasm engine's.
    expect(await dry("--backend", "reference")).toMatch(/engine +reference/);
    const corpus = join(folder, "corpus");
    await mkdir(corpus, { recursive: true });
    for (const name of ["train", "val"]) {
      await writeFile(
        join(corpus, `${name}.bin`),
        (await readFile(join(tiny.model, "train.bin"))).subarray(0, 900),
      );
    }
    expect(await dry("--corpus", corpus)).toContain("out of a corpus of 450");
  });

  it("says where what it names is another than it was, unless that was asked for", async () => {
    const copy = join(folder, "other");
    const { model, recipe } = await writeTiny(copy);
    const out = join(copy, "run");
    const argv = ["--recipe", recipe, "--out", out, "--threads", "1"];
    expect((await run(["remove", "--model", model, ...argv], "control 1/12")).code).toBe(130);
    const train = await readFile(join(model, "train.bin"));
    await writeFile(join(model, "train.bin"), train.subarray(0, 4000));
    const config = ["remove", "--config", join(out, "config.json"), "--threads", "1"];
    const changed = await run([...config, "--out", join(copy, "b")], "control 1/12");
    expect(changed.err).toContain("--config: the training tokens are not what that run began with");
    expect(changed.err).not.toContain("weights are");
    const asked = await run(
      [...config, "--out", join(copy, "c"), "--train", join(model, "train.bin")],
      "control 1/12",
    );
    expect(asked.err).not.toContain("--config: ");
  });

  it("of a training does that again, and neither is taken for the other's", async () => {
    const out = join(folder, "trained");
    const fields = ["--steps", "4", "--batch-size", "4", "--block-size", "16", "--validation-tokens", "100"];
    const shape = ["--model-config", join(tiny.model, "config.json"), "--tokenizer", tiny.model];
    expect((await run(["train", ...shape, ...fields, "--out", out, "--threads", "1"])).code).toBe(0);
    const config = join(out, "config.json");
    const second = join(folder, "trained-again");
    const { code, err } = await run(["train", "--config", config, "--out", second, "--threads", "1"]);
    expect([code, err]).toEqual([0, expect.not.stringContaining("SHA-256")]);
    expect(await metricsOf(second)).toEqual(await metricsOf(out));
    const { provenance } = await json(join(second, "summary.json"));
    expect(provenance.model).toBeUndefined();
    expect(await readFile(join(second, "model/README.md"), "utf8")).toContain(provenance.data.train.sha256);
    const preset = await run(["train", "--config", config, "--preset", "nope", "--out", second, "--force"]);
    expect(preset.err).toContain("argument 'nope' is invalid");
    const wrong = await run(["remove", "--config", config, "--dry-run"]);
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringContaining('command is "train"; expected "remove"'),
    ]);
    const both = join(folder, basename("both.json"));
    await writeFile(both, JSON.stringify({ preset: "base", shape: tinyConfig }));
    const said = await run([
      "train",
      "--config",
      both,
      "--tokenizer",
      tiny.model,
      "--out",
      second,
      "--force",
    ]);
    expect(said.err).toContain("--preset and a file's shape both say the model's shape");
  });
});
