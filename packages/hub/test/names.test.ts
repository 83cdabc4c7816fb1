import { expect, it } from "vitest";
import { namesOf, parseReference, shortNames } from "../src/names.js";

it("names without an owner are those of five models, with a revision or without", () => {
  expect(shortNames).toEqual(["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2"]);
  expect(parseReference("distilgpt2@v1")).toEqual({
    name: "distilbert/distilgpt2",
    asked: "distilgpt2",
    revision: "v1",
  });
  expect(namesOf("openai-community/gpt2-xl")).toEqual(["openai-community/gpt2-xl", "gpt2-xl"]);
  for (const none of ["gpt3", "sotu", "toString", "gpt2/", "./gpt2"])
    expect(parseReference(none)).toBeUndefined();
});
