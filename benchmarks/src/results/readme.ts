/** The tables of the READMEs, made from committed results, between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. */
import { format } from "prettier";
import { type Results, rowsOf, suiteNames } from "./results.js";
import { goalTable, machineLine, QUICK, suiteTable, type Table } from "./text.js";

/**
 * Where results are committed, and the files that show them, from the root of the repository. The first run is of most suites;
 * another one is of those that were taken elsewhere or later, and their tables begin with where.
 */
export const RESULTS = "benchmarks/results/reference.json";
export const MORE_RESULTS = ["benchmarks/results/primitives.json"] as const;
export const READMES = ["README.md", "benchmarks/README.md"] as const;

const MARKED = /<!-- bench:(\w+) -->[^]*?<!-- \/bench:\1 -->/g;

/** What stands at a mark: a table with its note, or words alone. */
type Part = string | (Pick<Table, "head" | "rows" | "note"> & { readonly where?: string });

/**
 * A README with every marked part made anew, from runs of which no two have a suite in common. @throws Error when it has none,
 * or one of a name that is no suite's.
 */
export async function withTables(readme: string, ...runs: readonly Results[]): Promise<string> {
  if (readme.search(MARKED) < 0)
    throw new Error("there is no <!-- bench:NAME --> … <!-- /bench:NAME --> in it");
  const filled = readme.replace(MARKED, (_, name: string) => {
    const made = part(runs, name);
    const text = typeof made === "string" ? made : textOf(made);
    return `<!-- bench:${name} -->\n\n${text}\n\n<!-- /bench:${name} -->`;
  });
  return format(filled, { parser: "markdown", printWidth: 110 });
}

const where = (results: Results) => `${machineLine(results)}${results.quick ? ` **${QUICK}**` : ""}`;

function part([main, ...more]: readonly Results[], name: string): Part {
  if (name === "machine") return where(main);
  // No ratio crosses a suite, so that goals may be of all runs together.
  if (name === "goals") return goalTable({ ...main, rows: [main, ...more].flatMap(({ rows }) => rows) });
  const suite = suiteNames.find((suite) => suite === name);
  if (!suite) throw new Error(`bench:${name} is no suite: ${suiteNames.join(", ")}`);
  const other = more.find((results) => rowsOf(results, suite).length > 0);
  const table = suiteTable(other ?? main, suite);
  return table ? { ...table, ...(other && { where: where(other) }) } : "Not measured in this run.";
}

const textOf = (made: Exclude<Part, string>) =>
  [...(made.where === undefined ? [] : [made.where]), markdown(made), made.note].join("\n\n");

function markdown({ head, rows }: Pick<Table, "head" | "rows">): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
