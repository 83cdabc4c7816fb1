/**
 * Nothing that a command reads is lost to what it writes. Which commands there are, what each reads and what it writes,
 * is taken from their options: a new option that names a file or folder fails here until it is in one of the tables.
 */
import { cp, link, mkdir, readdir, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { inputsOf } from "../../src/options/outputs.js";
import { commands, FOLDERS, pairs, RUNS, Workplace } from "../support/commands-files.js";
import { run } from "../support/tiny.js";

let place: Workplace;
let folder: string;
let model: string;
let files: Readonly<Record<string, string>>;
beforeAll(async () => {
  place = await Workplace.create();
  ({ folder, model, files } = place);
});
afterAll(() => rm(folder, { recursive: true }));

const refused = (argv: readonly string[]) => place.refused(argv);
// A sweep writes a folder of runs, each of which is checked as those of remove are.
const toFiles = pairs.filter(({ command }) => ![...RUNS, "export", "sweep"].includes(command));

it("every option that names a file or a folder is read, written or both", () => {
  const names = new Set(commands.flatMap(({ inputs }) => inputs));
  const known = [...FOLDERS, ...Object.keys(files)];
  expect([...names].sort()).toEqual(known.sort());
  const field = (option: string) => option.slice(2).replace(/-[a-z]/g, ([, letter]) => letter.toUpperCase());
  for (const name of names) {
    if (name.startsWith("--")) expect(inputsOf({ [field(name)]: "x.json" })).toEqual({ [name]: "x.json" });
  }
  expect(inputsOf({ recipe: "distilled", train: ["a", "b"], out: "c" })).toEqual({
    "--train": ["a", "b"],
  });
});

describe("a file to write", () => {
  it.each(toFiles)("$command $output is refused where $input is read", async ({ command, input, output }) => {
    const isFolder = FOLDERS.includes(input);
    const work = join(folder, "work");
    await mkdir(work);
    const own = join(work, isFolder ? "own" : basename(files[input]));
    await cp(isFolder ? model : files[input], own, { recursive: true });
    const read = isFolder
      ? ["config.json", "model.safetensors", "merges.txt", "val.bin"].map((name) => join(own, name))
      : [own];
    const alias = join(folder, "alias");
    await symlink(work, alias);
    const there = `--json --html`.includes(output) ? "json" : "safetensors";
    for (const path of read) {
      const links = { hard: join(work, `hard.${there}`), soft: join(work, `soft.${there}`) };
      await link(path, links.hard);
      await symlink(path, links.soft);
      for (const same of [
        path,
        relative(process.cwd(), path),
        join(dirname(path), "..", relative(dirname(dirname(path)), path)),
        `${dirname(path)}/../${relative(dirname(dirname(path)), path)}`,
        join(alias, relative(work, path)),
        links.hard,
        links.soft,
      ]) {
        const err = await refused([...place.withInput(command, input, own), output, same]);
        expect(err).toContain(`${output} ${same} would write over `);
        expect(err).toContain(`${input} ${own}; give a path of its own`);
      }
      // And read through a link, written to its file.
      if (!isFolder) {
        const named = join(work, `link-${basename(own)}`);
        await symlink(own, named);
        expect(await refused([...place.withInput(command, input, named), output, own])).toContain(
          `${input} ${named}; give`,
        );
        await rm(named);
      }
      for (const name of Object.values(links)) await rm(name);
    }
    await rm(alias);
    await rm(work, { recursive: true });
  });

  it("is refused where it is the file of another option, there yet or not", async () => {
    await symlink(folder, join(folder, "here"));
    for (const [json, html] of [
      ["a.json", "a.json"],
      ["here/a.json", "a.json"],
      ["model/../a.json", "./a.json"],
    ]) {
      const argv = [
        "compare",
        "--model",
        model,
        model,
        "--json",
        join(folder, json),
        "--html",
        `${folder}/${html}`,
      ];
      expect(await refused(argv)).toContain("would write over the file of --json");
    }
    await rm(join(folder, "here"));
  });

  it("may lie beside what is read, and over what another command wrote there", async () => {
    const own = join(folder, "beside");
    await cp(model, own, { recursive: true });
    for (let time = 0; time < 2; time++) {
      const { code, err } = await run([
        "eval",
        "--model",
        own,
        "--json",
        join(own, "eval.json"),
        "--threads",
        "1",
      ]);
      expect([code, err]).toEqual([0, expect.not.stringContaining("write over")]);
    }
    await rm(own, { recursive: true });
  });

  it("is refused in the hub's cache of a model that is asked for by its name, there yet or not", async () => {
    vi.stubEnv("HF_HUB_CACHE", join(folder, "cache"));
    await mkdir(join(folder, "cache/models--some--model/blobs"), { recursive: true });
    for (const path of ["blobs/abc", "blobs/new", "new"]) {
      const json = join(folder, "cache/models--some--model", path);
      expect(await refused(["eval", "--model", model, "some/model@v1", "--json", json])).toContain(
        "would write over --model some/model@v1",
      );
    }
    vi.unstubAllEnvs();
    await rm(join(folder, "cache"), { recursive: true });
  });

  it("is refused where an input is a link of a snapshot, and it is the blob", async () => {
    const home = join(folder, "cache/models--some--model");
    const snapshot = join(home, "snapshots/0");
    await cp(model, join(home, "blobs"), { recursive: true });
    await mkdir(snapshot, { recursive: true });
    for (const name of await readdir(model)) await symlink(`../../blobs/${name}`, join(snapshot, name));
    for (const path of [join(home, "blobs/config.json"), join(snapshot, "config.json")]) {
      expect(await refused(["eval", "--model", snapshot, "--json", path])).toContain(
        "config.json of --model",
      );
    }
    await rm(join(folder, "cache"), { recursive: true });
  });
});

describe("a folder to export to", () => {
  const exported = pairs.filter(({ command }) => command === "export");
  it.each(exported)("is none where $input is", async ({ input }) => {
    const own = FOLDERS.includes(input) ? model : files[input];
    const where = FOLDERS.includes(input) ? own : dirname(own);
    expect(await refused([...place.withInput("export", input, own), "--out", where])).toContain(
      "the folder is not empty",
    );
    if (where !== own) {
      expect(await refused([...place.withInput("export", input, own), "--out", own])).toContain(
        "is a file; give a folder",
      );
    }
  });

  it("is none that is asked for as what is read, empty or not", async () => {
    const empty = join(folder, "empty");
    await mkdir(empty);
    expect(await refused(["export", "--model", empty, "--out", empty])).toContain(
      "would clear or write over",
    );
    await rm(empty, { recursive: true });
  });
});
