/** The tables of the READMEs, made from committed results, between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. */
import { format } from "prettier";
import { type Results, suiteNames } from "./results.js";
import { goalTable, machineLine, QUICK, suiteTable, type Table } from "./text.js";

/** Where results are committed, and the files that show them, from the root of the repository. */
export const RESULTS = "benchmarks/results/reference.json";
export const READMES = ["README.md", "benchmarks/README.md"] as const;

const MARKED = /<!-- bench:(\w+) -->[^]*?<!-- \/bench:\1 -->/g;

/** A README with every marked part made anew. @throws Error when it has none, or one of a name that is no suite's. */
export async function withTables(readme: string, results: Results): Promise<string> {
  if (readme.search(MARKED) < 0)
    throw new Error("there is no <!-- bench:NAME --> … <!-- /bench:NAME --> in it");
  const filled = readme.replace(
    MARKED,
    (_, name: string) => `<!-- bench:${name} -->\n\n${part(results, name)}\n\n<!-- /bench:${name} -->`,
  );
  return format(filled, { parser: "markdown", printWidth: 110 });
}

function part(results: Results, name: string): string {
  if (name === "machine") return `${machineLine(results)}${results.quick ? ` **${QUICK}**` : ""}`;
  const suite = suiteNames.find((suite) => suite === name);
  if (!suite && name !== "goals") throw new Error(`bench:${name} is no suite: ${suiteNames.join(", ")}`);
  const table = suite ? suiteTable(results, suite) : goalTable(results);
  if (!table) return "Not measured in this run.";
  return `${markdown(table)}\n\n${table.note}`;
}

function markdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
