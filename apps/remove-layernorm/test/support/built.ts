/** The command as a process starts it: bin/normless.js beside a build of today's sources, where Node finds the npm packages. */
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export interface BuiltCommand {
  /** For Node to run. */
  readonly command: string;
  remove(): Promise<void>;
}

export async function buildCommand(): Promise<BuiltCommand> {
  await mkdir(source("node_modules"), { recursive: true });
  const folder = await mkdtemp(source("node_modules/.built-"));
  await build({
    entryPoints: [source("src/main.ts")],
    outfile: join(folder, "dist/cli.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2022",
    conditions: ["@normless/source"],
    plugins: [
      {
        name: "npm packages stay imports",
        setup: (bundler) =>
          bundler.onResolve({ filter: /^[^./]/ }, ({ path }) =>
            path.startsWith("@normless/") ? undefined : { path, external: true },
          ),
      },
    ],
    logLevel: "silent",
  });
  const command = join(folder, "bin/normless.js");
  await cp(source("bin/normless.js"), command);
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
  return { command, remove: () => rm(folder, { recursive: true }) };
}
