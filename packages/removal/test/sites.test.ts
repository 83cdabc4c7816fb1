/** Norms by name and pattern, and plans of some of them. */
import { type NormSite, normSites, type NormTable, presets, standardNorms } from "@normless/gpt2";
import { foldedNorm, frozenNorm, ownNorm } from "@normless/layernorm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkConstants,
  checkPlan,
  describeRemoval,
  describeSites,
  extentOf,
  matchSites,
  plan,
  removalRecipes,
  sitesToGo,
} from "../src/index.js";

const { base } = presets;

/** Some of the sites of a model, at least one. */
const some = fc
  .integer({ min: 1, max: 6 })
  .chain((layers) => fc.tuple(fc.constant({ layers }), fc.subarray(normSites({ layers }), { minLength: 1 })));

describe("a pattern", () => {
  it.each([
    ["ln_f", ["ln_f"]],
    ["h.3", ["h.3.ln_1:qk", "h.3.ln_1:v", "h.3.ln_2"]],
    ["h.3.ln_1", ["h.3.ln_1:qk", "h.3.ln_1:v"]],
    ["h.3.ln_1:v", ["h.3.ln_1:v"]],
    ["h.4-5.ln_2", ["h.4.ln_2", "h.5.ln_2"]],
    ["ln_2", normSites(base).filter((site) => site.endsWith("ln_2"))],
    ["h.*.ln_1:qk", normSites(base).filter((site) => site.endsWith(":qk"))],
    ["ln_1", normSites(base).filter((site) => site.includes("ln_1"))],
    ["h.*", normSites(base).filter((site) => site !== "ln_f")],
  ])("%s stands for its sites", (pattern, sites) => {
    expect(matchSites(pattern, base)).toEqual(sites);
  });

  it.each([
    ["h.3.ln2", /no norm "h.3.ln2"; give sites h.3.ln_2, or a pattern/],
    ["h.3.ln_2:v", /give sites h.3.ln_1:v, or a pattern/],
    ["lnf", /give sites ln_f, or a pattern/],
    ["ln_1:k", /give sites ln_1:qk, or a pattern/],
    ["banana", /no norm "banana"; give sites a site such as h.3.ln_2, or a pattern such as h.3, ln_2, h/],
    ["", /no norm ""/],
    ["h.6.ln_2", /no block h.6 for "h.6.ln_2": the model has 6 layers, h.0 to h.5; give sites h.5.ln_2/],
    ["h.4-9", /no block h.9 .* give sites h.4-5/],
    ["h.5-2.ln_1", /"h.5-2.ln_1" ends before it begins; give sites h.2-5.ln_1/],
  ])("%s is refused with the nearest right name", (pattern, message) => {
    expect(() => matchSites(pattern, base)).toThrow(message);
  });

  it("of any sites in the fewest words stands for them again", () =>
    fc.assert(
      fc.property(some, ([config, sites]) => {
        const text = describeSites(sites, config);
        const again =
          text === "all" ? normSites(config) : text.split(", ").flatMap((p) => matchSites(p, config));
        expect(new Set(again)).toEqual(new Set(sites));
        expect(again).toHaveLength(sites.length);
      }),
    ));

  it("says blocks and ranges where it can", () => {
    expect(describeSites(["h.0.ln_2", "h.1.ln_2", "h.2.ln_2", "h.4.ln_2", "ln_f"], base)).toBe(
      "h.0-2.ln_2, h.4.ln_2, ln_f",
    );
    expect(describeSites(matchSites("h.1-2", base), base)).toBe("h.1-2");
    expect(describeSites(matchSites("ln_1", base), base)).toBe("h.*.ln_1");
  });
});

describe("the norms that go", () => {
  const half: NormTable = {
    ...standardNorms(base),
    "h.0.ln_2": foldedNorm,
    "h.1.ln_2": frozenNorm(2),
  };
  const model = { layers: base.layers, norms: half };

  it("are those asked for, once each, in the order of the forward pass", () => {
    expect(sitesToGo({ sites: ["ln_f", "h.3.ln_2", "h.3"] }, base)).toEqual([
      ...matchSites("h.3", base),
      "ln_f",
    ]);
    expect(sitesToGo({}, base)).toEqual(normSites(base));
  });

  it("of a model that has lost some are among the rest", () => {
    const left = normSites(base).filter((site) => site !== "h.0.ln_2" && site !== "h.1.ln_2");
    expect(sitesToGo({}, model)).toEqual(left);
    expect(sitesToGo({ sites: ["ln_2"] }, model)).toEqual(matchSites("h.2-5.ln_2", base));
    expect(extentOf({ sites: ["ln_f"] }, model)).toEqual({
      going: ["ln_f"],
      gone: ["h.0.ln_2", "h.1.ln_2"],
      staying: left.filter((site) => site !== "ln_f"),
    });
    expect(() => sitesToGo({ sites: ["h.0.ln_2"] }, model)).toThrow(
      /h.0.ln_2 is gone already; give sites what is left: h.2-5, h.0-1.ln_1, ln_f/,
    );
    expect(() => sitesToGo({ sites: ["h.0-1.ln_2"] }, model)).toThrow(
      /every norm of "h.0-1.ln_2" is gone already/,
    );
    const gone = Object.fromEntries(normSites(base).map((site) => [site, foldedNorm]));
    expect(() => sitesToGo({}, { ...model, norms: gone })).toThrow(/no LayerNorm is left in the model/);
  });

  it("in a fixed plan go as soon as they would if there were no others", () => {
    const recipe = { ...removalRecipes["heimersheim-2024"], sites: ["h.2.ln_2", "h.3.ln_1", "ln_f"] };
    expect(plan(recipe, base).map((removal) => `${removal.step} ${describeRemoval(removal)}`)).toEqual([
      "200 h.2.ln_2",
      "220 h.3.ln_1:qk",
      "240 h.3.ln_1:v",
      "270 ln_f",
      "290 the end-of-text constant",
      "390 the first-position constant",
    ]);
    expect(() => checkPlan({ ...recipe, steps: 391 }, base)).not.toThrow();
  });

  it("in any fixed plan are all and only those, in the published order", () => {
    const rank = (site: NormSite) =>
      ["ln_2", "ln_1:qk", "ln_1:v", "ln_f"].indexOf(site.replace(/^h\.\d+\./, ""));
    fc.assert(
      fc.property(some, ([config, sites]) => {
        const removals = plan({ ...removalRecipes["baroni-2025-small"], sites }, config);
        const order = removals.map((removal) => {
          if (removal.kind !== "freeze") throw new Error("it has no constants and no taper");
          return removal.site;
        });
        expect(new Set(order)).toEqual(new Set(sites));
        expect(order).toHaveLength(sites.length);
        expect([...order].sort((a, b) => rank(a) - rank(b))).toEqual(order);
        expect(removals[0].step).toBe(20);
      }),
    );
  });

  it("in a taper are told, where others stay", () => {
    const recipe = { ...removalRecipes["taper-norm-2026"], sites: ["ln_2"] };
    expect(plan(recipe, base).map(describeRemoval)).toEqual([
      "the taper's start, 6 norms calibrated",
      "6 norms, the taper's end",
    ]);
  });
});

describe("a model that has lost norms", () => {
  const special = { ...standardNorms(base), ln_f: frozenNorm({ first: 9, eot: 2, rest: 1 }) };

  it("is refused where a constant for special positions would be left", () => {
    const {
      "heimersheim-2024": dropping,
      "baroni-2025-small": keeping,
      "taper-norm-2026": taper,
    } = removalRecipes;
    expect(() => checkConstants(dropping, special)).not.toThrow();
    for (const recipe of [keeping, taper]) {
      expect(() => checkConstants(recipe, special)).toThrow(
        /the norm at ln_f is frozen already, with constants of its own/,
      );
    }
    expect(() => checkConstants(keeping, { ...special, ln_f: frozenNorm(2) })).not.toThrow();
  });

  it("is refused where a norm is half on its way out", () => {
    const half = { ...special, ln_f: { kind: "tapered", eps: 1e-5, gate: 0.5, std: 1 } as const };
    expect(() => checkConstants(removalRecipes["taper-norm-2026"], half)).toThrow(
      /the norm at ln_f is tapered/,
    );
  });

  it("is refused where a norm is from outside", () => {
    const own = { ...standardNorms(base), ln_f: ownNorm("mine", (x) => x) };
    expect(() => checkConstants(removalRecipes["heimersheim-2024"], own)).toThrow(
      /the norm at ln_f is "mine", a norm from outside, which cannot be folded/,
    );
  });
});
