import { describe, expect, it } from "vitest";
import { commandsOf } from "../../src/main.js";
import { processIo } from "../../src/terminal/io.js";
import { run } from "../support/tiny.js";

const commands = commandsOf(processIo, () => undefined).map((command) => command.name());

describe("--help", () => {
  it("lists the commands", async () => {
    const { code, out } = await run(["--help"]);
    expect(code).toBe(0);
    for (const name of commands) expect(out).toMatch(new RegExp(`\\n  ${name} +\\S`));
  });

  it.each(commands)("of %s has its options and examples", async (name) => {
    const { code, out } = await run([name, "--help"]);
    expect(code).toBe(0);
    expect(out).toContain(`Usage: normless ${name} [options]`);
    const examples = out.slice(out.indexOf("\nExamples:\n"));
    expect(examples.match(new RegExp(`\\n {2}\\$ normless ${name}\\b`, "g"))?.length).toBeGreaterThanOrEqual(
      2,
    );
    // Every option of an example exists.
    for (const [option] of examples.matchAll(/--[a-z-]+/g))
      expect(out.split("Examples:")[0]).toContain(option);
  });

  it("says what is taken when nothing is given", async () => {
    const { out } = await run(["remove", "--help"]);
    const text = out.replace(/\s+/g, " ");
    expect(text).toContain(
      "--model <dir|name> a Hugging Face folder of a GPT-2, or its name on the hub, such as gpt2-medium (default: the model that ships, models/sotu)",
    );
    expect(text).toContain(
      "--threads <n> threads that compute; any number gives the same bits (default: the cores; of wasm and blas at most 8)",
    );
    expect(text).toContain("Fields of the recipe: --steps <n>");
  });

  it("comes with no command at all, as a usage error", async () => {
    const { code, err } = await run([]);
    expect(code).toBe(2);
    expect(err).toContain("Usage: normless");
  });
});
