/** npm packs a licence only from a package's own folder, so each that is published has a copy of the root's. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const folders = ["packages", "apps"].flatMap((parent) =>
  readdirSync(parent).map((name) => `${parent}/${name}`),
);
const published = folders.filter((folder) => {
  const { private: kept } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as {
    private?: boolean;
  };
  return !kept;
});

it.each(published)("%s carries the licence", (folder) => {
  expect(readFileSync(`${folder}/LICENSE`, "utf8")).toBe(readFileSync("LICENSE", "utf8"));
});
