import { expect, it } from "vitest";
import { z } from "zod";
import { LineProcess } from "../../src/harness/line-process.js";

const answer = z.object({ twice: z.number() });
/** Doubles n; fails when n is 13; ends when n is 0. */
const script = `
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const { n } = JSON.parse(line);
    if (n === 0) process.exit();
    console.log(JSON.stringify(n === 13 ? { error: "unlucky" } : { twice: 2 * n }));
  });`;
const start = () => new LineProcess("doubler", process.execPath, ["-e", script]);

it("asks and is answered, in order, until it ends the process", async () => {
  const doubler = start();
  const answers = [];
  for (const n of [1, 2, 21]) answers.push((await doubler.ask(answer, { n })).twice);
  expect(answers).toEqual([2, 4, 42]);
  await expect(doubler.ask(answer, { n: 13 })).rejects.toThrow("doubler: unlucky");
  expect(await doubler.ask(answer, { n: 5 })).toEqual({ twice: 10 });
  await doubler.end();
  await doubler.end();
});

it("says so when the process ends instead of answering, or gives something else", async () => {
  const doubler = start();
  await expect(doubler.ask(z.object({ thrice: z.number() }), { n: 1 })).rejects.toThrow("thrice");
  await expect(doubler.ask(answer, { n: 0 })).rejects.toThrow("ended instead of answering");
  await doubler.end();
});

it("says so when there is no such program", async () => {
  const missing = new LineProcess("missing", "/there/is/no/such/program", []);
  await expect(missing.ask(answer, { n: 1 })).rejects.toThrow(/did not start|ended/);
  await missing.end();
});
