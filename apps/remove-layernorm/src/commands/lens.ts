/** `normless lens`: the residual on its way as predictions. */
import { withFrozenNames } from "@normless/gpt2";
import { lensTokens, logitLens } from "@normless/interpret";
import { type ModelOptions, withModel } from "../engine/device.js";
import { asking, fittingIds, needTokenizer, positionIn } from "../look-inside/asked.js";
import type { LensData } from "../look-inside/lens.js";
import { oneToken } from "../look-inside/words.js";
import { shippedModel } from "../models/shipped.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as looking from "../options/look-inside-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { renderLens } from "../report/look-inside/lens-page.js";
import { besideJson, checkResults, writeJsonResult, writeResult } from "../run-folder/result-file.js";
import type { Io } from "../terminal/io.js";
import { lensText } from "../terminal/lens-text.js";
import { quotedToken } from "../terminal/token-text.js";

export interface LensOptions extends ModelOptions {
  readonly prompt: string;
  readonly positions?: "all" | readonly number[] | undefined;
  readonly token?: string | undefined;
  readonly middle?: boolean | undefined;
  readonly exact?: boolean | undefined;
  readonly top?: number | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
}

const TOP = 4;

const WHAT = `
The head of the model is put on the residual after each block. Where no LayerNorm stands before the head it is affine, so that
the step of a logit from one row to the next is exactly what that block wrote into it. A LayerNorm divides each residual by its own
std; how far that is from the affine form, at the std of the last residual, stands beside each row.`;

export function lensCommand(io: Io) {
  const own = command("lens", "The logit lens: what the model would predict after each of its blocks", [
    '--prompt "My fellow"',
    '--model runs/gpt2/ln-free --prompt "The capital of France is" --token " Paris" --exact --html lens.html',
  ])
    .addOption(shared.modelOption())
    .addOption(shared.promptOption().makeOptionMandatory())
    .addOption(looking.positionsOption("the last; on the page all"))
    .addOption(looking.tokenOption())
    .option("--middle", "the residual between attention and MLP of each block, too")
    .addOption(looking.exactOption())
    .addOption(looking.topOption("of each residual", TOP))
    .addOption(shared.jsonOption)
    .addOption(shared.htmlOption());
  return addEngine(own)
    .addHelpText("after", WHAT)
    .action((options) => lens(besideJson(io, options.json), options));
}

export async function lens(io: Io, options: LensOptions): Promise<void> {
  const { model = shippedModel(), json, html } = options;
  const results = await checkResults({ "--json": json, "--html": html }, inputsOf({ ...options, model }));
  await withModel(io, options, async ({ name, loaded, device: { params } }) => {
    const tokenizer = needTokenizer(name, loaded);
    const { config, norms } = withFrozenNames(loaded);
    const ids = fittingIds(tokenizer, options.prompt, config);
    const all = ids.map((_, t) => t);
    const { positions = [-1], middle = false, exact = false, top = TOP } = options;
    const asked =
      positions === "all"
        ? all
        : positions.map((position) => positionIn(ids.length, position, "--positions"));
    const followed = options.token === undefined ? undefined : oneToken(tokenizer, "--token", options.token);
    const quoted = (id: number) => quotedToken(tokenizer, id);
    const dataAt = async (places: readonly number[]): Promise<LensData> => {
      const found = await asking(() =>
        logitLens({ config, norms, params }, ids, { positions: places, middle, exact }),
      );
      const told = lensTokens(found, {
        top,
        ...(followed !== undefined && { tokens: places.map(() => followed) }),
      });
      return {
        ...{ model: name, prompt: options.prompt, exact: found.exact },
        positions: places.map((position, p) => ({
          ...{
            position,
            text: quoted(ids[position]),
            token: told.tokens[p],
            tokenText: quoted(told.tokens[p]),
          },
        })),
        rows: told.rows.map((row) => ({
          ...row,
          cells: row.cells.map((cell) => ({
            ...cell,
            top: cell.top.map((one) => ({ ...one, text: quoted(one.token) })),
          })),
        })),
      };
    };
    const data = await dataAt(asked);
    io.out(lensText(io, data, config.layers));
    if (results["--json"] !== undefined) await writeJsonResult(io, results["--json"], data);
    if (results["--html"] !== undefined) {
      const drawn = options.positions === undefined ? await dataAt(all) : data;
      await writeResult(io, results["--html"], renderLens(drawn, config.layers));
    }
  });
}
