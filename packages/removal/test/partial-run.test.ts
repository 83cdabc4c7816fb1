/** Whole tiny runs that remove some norms and leave the others, and runs that go on with the rest. */
import { type HostModel, type NormTable, normSites, standardNorms } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type DoneEvent,
  type RemovalRecipe,
  removeLayerNorm,
  type RunEvent,
  type RunInput,
} from "../src/index.js";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

let backend: Backend;
beforeAll(async () => {
  backend = await wasm({ threads: 1 });
});
afterAll(() => backend.dispose());

const sites = ["h.0.ln_2", "h.1.ln_1:v", "ln_f"];
const standard = standardNorms(config);
const model = { config, weights };

async function run(asked: RemovalRecipe, more: Partial<RunInput> = {}): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of removeLayerNorm({ backend, model, corpus, recipe: asked, ...more })) {
    events.push(event);
  }
  return events;
}

const of = <T extends RunEvent["type"]>(events: readonly RunEvent[], type: T) =>
  events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);

function doneOf(events: readonly RunEvent[]): DoneEvent {
  return of(events, "done")[0];
}

const kinds = ({ norms }: Pick<HostModel, "norms">) =>
  Object.fromEntries(Object.entries(norms).map(([site, { kind }]) => [site, kind]));

const expected = (kind: string) =>
  Object.fromEntries(normSites(config).map((site) => [site, sites.includes(site) ? kind : "standard"]));

const taper = { kind: "taper", begin: 6, end: 16, keep: 0.9 } as const;

describe.each([recipe.pace, taper])("a $kind removal of some norms", (pace) => {
  it.each(["cross-entropy", "distillation"] as const)("trained on %s leaves the others", async (loss) => {
    const live = backend.memory().liveBytes;
    const asked = { ...recipe, pace, loss, sites, checkpointEvery: 5 };
    const events = await run(asked);
    const { frozen, folded, summary } = doneOf(events);
    expect(kinds(frozen)).toEqual(expected("frozen"));
    expect(kinds(folded)).toEqual(expected("folded"));
    for (const [site, norm] of Object.entries(folded.norms)) {
      if (norm.kind === "standard") expect(norm).toEqual(standard[site]);
    }
    expect(of(events, "fold")[0].relativeDifference).toBeLessThan(1e-4);
    expect(summary.validation.folded).toBeCloseTo(summary.validation.frozen, 4);
    // Their gammas learn; those of the norms that went are gone, but for the one that ln_1's other path reads.
    const gammas = Object.keys(folded.weights).filter(
      (name) => name.endsWith("ln_1.weight") || name.includes("ln_2.w"),
    );
    expect(gammas).toEqual(["h.0.ln_1.weight", "h.1.ln_1.weight", "h.1.ln_2.weight"]);
    expect(backend.memory().liveBytes).toBe(live);

    const middle = of(events, "checkpoint").find(
      ({ state }) => state.phase === "removal" && state.step === 10,
    );
    const resumed = await run(asked, { resume: structuredClone(middle!.state) });
    expect(doneOf(resumed).folded).toEqual(folded);
  });
});

it("says beforehand what goes and what stays", async () => {
  const [plan] = of(await run({ ...recipe, sites }), "plan");
  expect(plan.sites.going).toEqual(normSites(config).filter((site) => sites.includes(site)));
  expect(plan.sites.staying).toHaveLength(normSites(config).length - sites.length);
  expect(plan.removals.map((removal) => (removal.kind === "freeze" ? removal.site : removal.kind))).toEqual([
    "h.0.ln_2",
    "h.1.ln_1:v",
    "ln_f",
    "constant",
    "constant",
  ]);
});

describe("a run that goes on with what another left", () => {
  it.each(["frozen", "folded"] as const)("from its %s form ends LN-free", async (form) => {
    const first = doneOf(await run({ ...recipe, sites }))[form];
    for (const loss of ["cross-entropy", "distillation"] as const) {
      const events = await run({ ...recipe, loss }, { model: first });
      expect(of(events, "plan")[0].sites.staying).toEqual([]);
      expect(of(events, "removal").map(({ removal }) => removal.kind)).toEqual([
        ...Array.from({ length: normSites(config).length - sites.length }, () => "freeze"),
        ...["constant", "constant"],
      ]);
      const { folded, summary } = doneOf(events);
      expect(new Set(Object.values(folded.norms).map(({ kind }) => kind))).toEqual(new Set(["folded"]));
      expect(Object.keys(folded.weights).filter((name) => name.includes("ln_"))).toEqual([]);
      expect(of(events, "fold")[0].relativeDifference).toBeLessThan(1e-4);
      // It is held against the model that it began with, not against that model with LayerNorms in it.
      const [before] = of(events, "eval");
      expect(before).toMatchObject({ model: "original" });
      expect(summary.validation.original).toBe(before.loss);
      if (loss === "distillation") {
        const [{ loss: distance }] = of(events, "step");
        expect(distance).toBe(0);
      }
    }
  });

  it("by a taper, too", async () => {
    const first = doneOf(await run({ ...recipe, sites })).folded;
    const { folded } = doneOf(await run({ ...recipe, pace: taper }, { model: first }));
    expect(new Set(Object.values(folded.norms).map(({ kind }) => kind))).toEqual(new Set(["folded"]));
  });

  it("refuses a site that is gone, and a constant that it would never drop", async () => {
    const norms: NormTable = {
      ...standard,
      "h.0.ln_2": { kind: "frozen", std: { first: 3, eot: 1, rest: 1 } },
    };
    const input = { model: { ...model, norms } };
    await expect(run({ ...recipe, sites: ["h.0.ln_2"] }, input)).rejects.toThrow(/h.0.ln_2 is gone already/);
    const constants = { ...recipe.constants, special: "none" as const };
    await expect(run({ ...recipe, constants }, input)).rejects.toThrow(/which this recipe never drops/);
    expect(kinds(doneOf(await run({ ...recipe }, input)).folded)["h.0.ln_2"]).toBe("folded");
  });
});

it("with a shared std freezes query/key at once where the value path stays", async () => {
  const constants = { ...recipe.constants, shareQkv: true };
  const { frozen } = doneOf(await run({ ...recipe, constants, sites: ["h.0.ln_1:qk"] }));
  expect(frozen.norms["h.0.ln_1:v"]).toEqual(standard["h.0.ln_1:v"]);
  expect(frozen.norms["h.0.ln_1:qk"].kind).toBe("frozen");
});
