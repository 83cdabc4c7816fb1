// Before `npm publish` of a package (prepublishOnly, run in its folder): what it ships is built and has a version.
// Publishing is `npm run release`, which builds all packages and gives them the versions that the changesets say.
import { existsSync, readFileSync } from "node:fs";

const { name, version, exports = {}, bin = {}, files } = JSON.parse(readFileSync("package.json", "utf8"));

/** The paths that a package's exports lead to, but for those of its sources. */
const pathsOf = (entry) =>
  typeof entry === "string"
    ? [entry]
    : Object.entries(entry).flatMap(([condition, inner]) =>
        condition === "@normless/source" ? [] : pathsOf(inner),
      );

const missing = [
  ...new Set([...pathsOf(exports), ...Object.values(bin), ...files.filter((path) => !/[!*]/.test(path))]),
].filter((path) => !existsSync(path));
const problems = [
  ...missing.map((path) => `there is no ${path}`),
  ...(version === "0.0.0" ? ["its version is 0.0.0"] : []),
];
if (problems.length > 0) {
  console.error(
    `${name} is not to be published as it is: ${problems.join("; ")}. ` +
      "In the root of the clone: npx changeset version, then npm run release",
  );
  process.exit(1);
}
