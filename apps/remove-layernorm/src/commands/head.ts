/** `normless head`: one head on a prompt, its pattern, what it looks for (QK) and what it writes (OV). */
import { type Gpt2Config, type Model, withFrozenNames } from "@normless/gpt2";
import { attribute, headTokens, scorePairs, valueParts, type WrittenTokens } from "@normless/interpret";
import type { Tokenizer } from "@normless/text";
import { Option } from "@commander-js/extra-typings";
import { type ModelOptions, withModel } from "../engine/device.js";
import { UsageError } from "../errors.js";
import { asking, fittingIds, needTokenizer, positionIn, twoOf } from "../look-inside/asked.js";
import { type HeadData, type HeadWrites, rowsOf } from "../look-inside/head.js";
import { oneToken } from "../look-inside/words.js";
import { shippedModel } from "../models/shipped.js";
import { integerArgument } from "../options/arguments.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as looking from "../options/look-inside-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { renderHead } from "../report/look-inside/head-page.js";
import { besideJson, checkResults, writeJsonResult, writeResult } from "../run-folder/result-file.js";
import { headText } from "../terminal/head-text.js";
import type { Io } from "../terminal/io.js";
import { quotedToken } from "../terminal/token-text.js";

export interface HeadOptions extends ModelOptions {
  readonly prompt: string;
  readonly position?: number | undefined;
  readonly key?: number | undefined;
  readonly token?: string | undefined;
  readonly difference?: readonly string[] | undefined;
  readonly exact?: boolean | undefined;
  readonly top?: number | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
}

const TOP = 5;

const WHAT = `
The pattern is where each token looks. QK is why: the score of the query and a key (the one with the most attention, unless --key
says which) as a sum over pairs of what wrote the residual at both. OV is what comes of it: what the head adds to the logit of a token
(the likeliest, unless said), by key and by what wrote the residual there; and the tokens that it writes for most, and against most, over
the mean of all. Exact, with the pattern as it is, where no LayerNorm stands before the head's queries, keys and values and before the
head of the model; elsewhere the parts are at the std of this text, and how far off that is is told.`;

export function headCommand(io: Io) {
  const own = command(
    "head",
    "One head on a prompt: its pattern, QK and OV circuits, and the tokens it writes for",
    [
      '3.2 --prompt "My fellow citizens of the United"',
      '9.9 --model gpt2 --prompt "When Mary and John went to work, John gave a book to" --difference " Mary" " John" --html head.html',
    ],
  )
    .argument("<layer.head>", "the head by its layer and number, both from 0: 3.2")
    .addOption(shared.modelOption())
    .addOption(shared.promptOption().makeOptionMandatory())
    .addOption(looking.positionOption())
    .addOption(
      new Option(
        "--key <n>",
        "the key whose score is taken apart (default: that with the most attention)",
      ).argParser(integerArgument),
    )
    .addOption(looking.tokenOption())
    .addOption(looking.differenceOption().conflicts("token"))
    .addOption(looking.exactOption())
    .addOption(looking.topOption("of each kind", TOP))
    .addOption(shared.jsonOption)
    .addOption(shared.htmlOption());
  return addEngine(own)
    .addHelpText("after", WHAT)
    .action((place, options) => head(besideJson(io, options.json), place, options));
}

export async function head(io: Io, place: string, options: HeadOptions): Promise<void> {
  const { model = shippedModel(), json, html, top = TOP } = options;
  const results = await checkResults({ "--json": json, "--html": html }, inputsOf({ ...options, model }));
  await withModel(io, options, async ({ name, loaded, device: { params } }) => {
    const tokenizer = needTokenizer(name, loaded);
    const { config, norms } = withFrozenNames(loaded);
    const device = { config, norms, params };
    const ids = fittingIds(tokenizer, options.prompt, config);
    const data = await asking(() =>
      lookAt({ name, device, tokenizer }, placeOf(place, config), ids, options),
    );
    io.out(headText(io, data, top));
    if (results["--json"] !== undefined) await writeJsonResult(io, results["--json"], data);
    if (results["--html"] !== undefined) await writeResult(io, results["--html"], renderHead(data, top));
  });
}

/** @throws UsageError for what is no head, or none of the model's */
function placeOf(
  place: string,
  { layers, heads }: Gpt2Config,
): { readonly layer: number; readonly head: number } {
  const [, layer, head] = (/^(\d+)\.(\d+)$/.exec(place) ?? []).map(Number);
  const there = `the model has layers 0 to ${layers - 1} with heads 0 to ${heads - 1}`;
  if (layer === undefined || head === undefined) {
    throw new UsageError(`${place} is no head; give its layer and its number, as in 0.1: ${there}`);
  }
  if (layer < layers && head < heads) return { layer, head };
  throw new UsageError(`there is no head ${place}; ${there}`);
}

interface Subject {
  readonly name: string;
  readonly device: Model;
  readonly tokenizer: Tokenizer;
}

async function lookAt(
  { name, device, tokenizer }: Subject,
  place: { readonly layer: number; readonly head: number },
  ids: readonly number[],
  options: HeadOptions,
): Promise<HeadData> {
  const { exact = false, prompt, top = TOP } = options;
  const query = positionIn(ids.length, options.position ?? -1, "--position");
  const quoted = (id: number) => quotedToken(tokenizer, id);
  const [token, versus] =
    options.difference === undefined
      ? [options.token === undefined ? undefined : oneToken(tokenizer, "--token", options.token)]
      : twoOf(options.difference).map((text) => oneToken(tokenizer, "--difference", text));
  const target = token ?? (await attribute(device, ids, { position: query })).token;
  const many = Math.min(top, device.config.vocabSize);
  const written = await headTokens(device, ids, { ...place, query, top: many });
  const pattern = rowsOf(written.pattern, ids.length);
  const mostSeen = pattern[query].reduce((best, share, k, row) => (share > row[best] ? k : best), 0);
  const key = options.key === undefined ? mostSeen : positionIn(ids.length, options.key, "--key");
  const scores = await scorePairs(device, ids, { ...place, query, key, exact });
  const against = versus === undefined ? {} : { versus };
  const values = await valueParts(device, ids, { ...place, query, token: target, ...against, exact });
  const logits = rowsOf(values.logits, values.parts.length);
  const named = ({ most, least }: WrittenTokens): HeadWrites => ({
    most: most.map((one) => ({ ...one, text: quoted(one.token) })),
    least: least.map((one) => ({ ...one, text: quoted(one.token) })),
  });
  return {
    ...{ model: name, prompt, ...place, tokens: ids.map(quoted), query, pattern },
    whole: named(written.whole),
    keys: written.keys.map((one, position) => ({
      ...{ position, attention: pattern[query][position], ...named(one) },
      logit: logits[position].reduce((sum, share) => sum + share, 0),
    })),
    tokenText: quoted(target),
    ...(versus !== undefined && { versusText: quoted(versus) }),
    scores: {
      ...{ key, score: scores.score, exact: scores.exact, offBy: scores.offBy, parts: scores.parts },
      pairs: rowsOf(scores.pairs, scores.parts.length),
    },
    values: {
      ...{ total: values.total, exact: values.exact, offBy: values.offBy, parts: values.parts, logits },
    },
  };
}
