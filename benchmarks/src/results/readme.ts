/** The tables of the READMEs, made from committed results, between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. */
import { format } from "prettier";
import { type Results, suiteNames } from "./results.js";
import { goalTable, machineLine, QUICK, suiteTable, type Table } from "./text.js";

/** Where results are committed, and the files that show them, from the root of the repository. */
export const RESULTS = "benchmarks/results/reference.json";
export const READMES = ["README.md", "benchmarks/README.md"] as const;

const MARKED = /<!-- bench:(\w+) -->[^]*?<!-- \/bench:\1 -->/g;

/** What stands at a mark: a table with its note, or words alone. */
type Part = string | Pick<Table, "head" | "rows" | "note">;

/** A README with every marked part made anew. @throws Error when it has none, or one of a name that is no suite's. */
export async function withTables(readme: string, results: Results): Promise<string> {
  if (readme.search(MARKED) < 0)
    throw new Error("there is no <!-- bench:NAME --> … <!-- /bench:NAME --> in it");
  const filled = readme.replace(MARKED, (_, name: string) => {
    const made = part(results, name);
    const text = typeof made === "string" ? made : `${markdown(made)}\n\n${made.note}`;
    return `<!-- bench:${name} -->\n\n${text}\n\n<!-- /bench:${name} -->`;
  });
  return format(filled, { parser: "markdown", printWidth: 110 });
}

function part(results: Results, name: string): Part {
  if (name === "machine") return `${machineLine(results)}${results.quick ? ` **${QUICK}**` : ""}`;
  const suite = suiteNames.find((suite) => suite === name);
  if (!suite && name !== "goals") throw new Error(`bench:${name} is no suite: ${suiteNames.join(", ")}`);
  const table = suite ? suiteTable(results, suite) : goalTable(results);
  return table ?? "Not measured in this run.";
}

function markdown({ head, rows }: Pick<Table, "head" | "rows">): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
