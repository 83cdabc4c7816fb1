/** What every command's help looks like. */
import { Command } from "@commander-js/extra-typings";

/** A command under its name, with examples at the end of its help. */
export function command(name: string, description: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ normless ${name} ${example}\n`.replace(/ \n/, "\n"));
  return new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .showHelpAfterError(`(normless ${name} --help shows every option)`)
    .addHelpText("after", `\nExamples:\n${lines.join("")}`);
}

/** What an option says of itself: the same in every command, but for what is taken where it is not given. */
export function described(what: string, standard?: string): string {
  return standard === undefined ? what : `${what} (default: ${standard})`;
}
