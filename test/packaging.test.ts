/** What npm shows of a package and puts into it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
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
