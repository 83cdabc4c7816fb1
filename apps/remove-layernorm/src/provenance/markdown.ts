/** Where a model comes from, for the README.md in its folder. */
import type { TrainingRecipe } from "@normless/train";
import { dateFacts, type Fact, processFacts, sourceFacts } from "./facts.js";
import { RECIPE_FILE } from "./command.js";
import type { EndedProvenance, Provenance } from "./schema.js";

/** The line of a card's head that the hub reads; nothing where the model came from elsewhere. */
export function baseModelLine({ model }: Provenance): string {
  return model?.revision === undefined ? "" : `base_model: ${model.name}\n`;
}

/** A section; the recipe stands before it. */
export function provenanceMarkdown(
  provenance: Provenance & Partial<EndedProvenance>,
  recipe: TrainingRecipe,
): string {
  const facts = [...sourceFacts(provenance, recipe), ...processFacts(provenance), ...dateFacts(provenance)];
  return `## Where it comes from

| | |
| --- | --- |
${facts.map(row).join("\n")}

To do it again${needsFile(provenance) ? `, with the recipe above as ${RECIPE_FILE}` : ""}:

\`\`\`sh
${commandsOf(provenance)}
\`\`\`
`;
}

/** The command line that does the run again, and those that it went on with otherwise, in its folder RUN. */
export function commandsOf({ command, then = [] }: Provenance): string {
  return [command, ...then].join("\n");
}

const row = ([name, value]: Fact): string => `| ${name} | ${value.replaceAll("|", String.raw`\|`)} |`;

/** Whether the command reads the recipe from a file. */
export function needsFile({ command }: Provenance): boolean {
  return command.includes(` --recipe ${RECIPE_FILE}`);
}
