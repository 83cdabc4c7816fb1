/** What our packages depend on at run time: each with its line in the README, and each in the bill of materials. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const manifests = ["packages", "apps"]
  .flatMap((parent) => readdirSync(parent).map((name) => `${parent}/${name}/package.json`))
  .map((path) => JSON.parse(readFileSync(path, "utf8")) as Manifest);
const isOurs = (name: string) => name.startsWith("@normless/");

/** A library, and the packages that have it, by their short names. */
const uses = new Map<string, string[]>();
for (const { name, dependencies = {}, peerDependencies = {} } of manifests) {
  for (const library of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (!isOurs(library)) uses.set(library, [...(uses.get(library) ?? []), name.replace("@normless/", "")]);
  }
}

it("has a line in the README that says where, why, how it is kept and what would replace it", () => {
  const [, section] = /## What it stands on\n([\s\S]*?)\n## /.exec(readFileSync("README.md", "utf8"))!;
  const lines = section.split("\n").filter((line) => line.startsWith("| `"));
  const told = new Map<string, string>();
  for (const line of lines) {
    const [libraries, where, ...rest] = line
      .slice(2, -2)
      .split("|")
      .map((cell) => cell.trim());
    expect(rest.filter((cell) => cell !== "")).toHaveLength(3);
    for (const [, library] of libraries.matchAll(/`([^`]+)`/g)) told.set(library, where);
  }
  expect([...told.keys()].sort()).toEqual([...uses.keys()].sort());
  for (const [library, where] of told) {
    // The app has all that the packages have, since it is bundled from them: it is named where nobody else is.
    const others = uses
      .get(library)!
      .filter((name) => name !== "normless" || uses.get(library)!.length === 1);
    for (const name of others) expect(where, library).toContain(name);
  }
});

interface Component {
  readonly purl: string;
  readonly licenses?: readonly unknown[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

it("is in the bill of materials, with a licence, as what is needed at run time", () => {
  const { stdout } = spawnSync("npm", ["run", "--silent", "sbom"], { encoding: "utf8", maxBuffer: 2 ** 26 });
  const bill = JSON.parse(stdout) as {
    readonly bomFormat: string;
    readonly components: readonly Component[];
  };
  expect(bill.bomFormat).toBe("CycloneDX");
  const isDevelopment = ({ properties = [] }: Component) =>
    properties.some(({ name, value }) => name === "cdx:npm:package:development" && value === "true");
  const needed = bill.components.filter((component) => !isDevelopment(component));
  const names = needed.map(({ purl }) => decodeURIComponent(purl).replace(/^pkg:npm\/(.*)@.*$/, "$1"));
  for (const { dependencies = {} } of manifests)
    expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  for (const { purl, licenses } of needed)
    expect(licenses?.length, `${purl} has no licence`).toBeGreaterThan(0);
});
