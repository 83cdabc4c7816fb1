/** What npm shows of a package and puts into it. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

interface Manifest {
  readonly name: string;
  readonly files: readonly string[];
  readonly keywords?: readonly string[];
  readonly publishConfig?: { readonly access: string };
  readonly scripts: Readonly<Record<string, string>>;
}

const folders = ["packages", "apps"].flatMap((parent) =>
  readdirSync(parent).map((name) => `${parent}/${name}`),
);

/** Files that a text names: what its links lead to, and paths in backticks that begin with a folder of the repository. */
function filesNamedIn(text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target);
  const paths = [...text.matchAll(/`((?:src|test|dist|bin|assembly|scripts)\/[^`\s]*)`/g)].map(
    ([, path]) => path,
  );
  // A name in angle brackets is any; a link's part behind # is a heading.
  return [...links.filter((target) => !/^(https?:|#)/.test(target)), ...paths].map(
    (path) => /^[^<#]*/.exec(path)![0],
  );
}

describe.each(folders)("%s", (folder) => {
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as Manifest;
  const isShipped = (path: string) =>
    path === "LICENSE" || manifest.files.some((file) => path === file || path.startsWith(`${file}/`));

  it("is found, built before it is packed, and public", () => {
    expect(manifest.keywords?.length).toBeGreaterThan(0);
    expect(manifest.scripts["prepack"]).toContain("build");
    expect(manifest.scripts["prepublishOnly"]).toBe("node ../../.ci/check-publish.js");
    expect(manifest.publishConfig).toEqual({ access: "public" });
  });

  it("says how to install it", () => {
    const command = new RegExp(`^npm install ${manifest.name}( @normless/[a-z0-9-]+)*$`, "m");
    expect(readFileSync(`${folder}/README.md`, "utf8")).toMatch(command);
  });

  const texts = ["README.md", ...manifest.files].filter((file) => file.endsWith(".md"));
  it.each(texts)("ships the files that its %s names", (file) => {
    for (const path of filesNamedIn(readFileSync(join(folder, file), "utf8"))) {
      expect(isShipped(path), `${path} is not among the package's files`).toBe(true);
      expect(path.startsWith("dist/") || existsSync(join(folder, path)), `there is no ${path}`).toBe(true);
    }
  });
});

describe("npm publish", () => {
  /** What comes of it in a copy of a package in an unbuilt clone; the files of `built` are there besides. */
  function publish(
    version: string,
    built: readonly string[],
  ): { readonly code: number | null; readonly said: string } {
    const clone = mkdtempSync(join(tmpdir(), "normless-publish-"));
    const folder = join(clone, "packages", "random");
    cpSync("packages/random", folder, {
      recursive: true,
      filter: (path) => !/[/\\](dist|node_modules|\.turbo)$/.test(path),
    });
    cpSync(".ci/check-publish.js", join(clone, ".ci", "check-publish.js"));
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    // What is built is built here; the rest of publishing is npm's.
    const scripts = { prepublishOnly: manifest.scripts["prepublishOnly"] };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, version, scripts }));
    for (const file of built) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), "");
    }
    // Nothing can be asked, and nothing is.
    const argv = ["publish", "--dry-run", "--registry=http://127.0.0.1:9", "--fetch-retries=0"];
    const { status, stderr, stdout } = spawnSync("npm", argv, { cwd: folder, encoding: "utf8" });
    rmSync(clone, { recursive: true });
    return { code: status, said: stderr + stdout };
  }

  const built = ["dist/index.js", "dist/index.d.ts"];
  it("of an unbuilt clone, or without a version, is refused, saying what to run", () => {
    for (const { code, said } of [
      publish("1.2.3", []),
      publish("1.2.3", built.slice(0, 1)),
      publish("0.0.0", built),
    ]) {
      expect(code).not.toBe(0);
      expect(said).toContain("@normless/random is not to be published as it is: ");
      expect(said).toContain("npx changeset version, then npm run release");
    }
    expect(publish("1.2.3", built).said).not.toContain("is not to be published");
  });
});
