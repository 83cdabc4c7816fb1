/**
 * Models by their names on the Hugging Face hub, into the cache that Python's huggingface_hub uses, too. What is there
 * already is not downloaded again, what was interrupted goes on where it stopped, and every file is held against the
 * size and the hash that the hub tells of it.
 */
import { stat } from "node:fs/promises";
import { type LoadedModel, NotFiniteError } from "@normless/gpt2";
import type { OpenModel } from "@normless/gpt2/node";
import {
  brokenFiles,
  HubModel,
  type HubPart,
  HubUnreachable,
  isOffline,
  isShort,
  namesOf,
  NoSuchModelError,
  NotCachedError,
  parseReference,
  type Reference,
  shortNames,
  showReference,
} from "@normless/hub";
import { messageOf, UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { didYouMean } from "../options/nearest.js";
import { showDownload } from "./download-bar.js";
import { openModelSaying } from "./read-model.js";

/** A model that is on the disk. */
export interface FoundModel {
  readonly folder: string;
  /**
   * Reads it for as long as `use` takes: its weights are read when they are needed, and its files closed afterwards. What
   * of the hub's cache is broken is downloaded once more, and said. @throws Error naming the file
   */
  use<X>(use: (model: LoadedModel) => Promise<X>): Promise<X>;
}

/**
 * The folder of that path where there is one, or else that of `owner/name`, `owner/name@revision` or a short name such
 * as `gpt2` from the hub (HF_ENDPOINT), downloaded into the cache (HF_HUB_CACHE, or HF_HOME) unless it is there
 * already. Without a network, what the cache has. Which one was taken is said where it could have been the other.
 * @throws Error saying what the hub answered, and what to do.
 */
export async function findModel(io: Io, folderOrName: string): Promise<FoundModel> {
  const reference = await onHub(io, folderOrName, "model");
  if (!reference) return new Found(io, folderOrName, undefined);
  const model = await HubModel.of(reference, "model", showDownload(io));
  return new Found(io, await toldOf(model, model.folder()), model);
}

/** The same for a tokenizer alone: the folder that it is in. @throws Error as `findModel` does */
export async function findTokenizer(io: Io, folderOrName: string): Promise<string> {
  const reference = await onHub(io, folderOrName, "tokenizer");
  if (!reference) return folderOrName;
  const model = await HubModel.of(reference, "tokenizer", showDownload(io));
  return toldOf(model, model.folder());
}

/** What to take from the hub; undefined where there is something of that path. @throws Error when it is no name either */
async function onHub(io: Io, folderOrName: string, part: HubPart): Promise<Reference | undefined> {
  const reference = parseReference(folderOrName);
  const there = await stat(folderOrName).catch(() => undefined);
  // A file of a short name is nobody's model.
  if (there && !(reference && isShort(reference) && !there.isDirectory())) {
    // Everybody knows these models by their names; of others a folder is what is meant.
    if (reference && namesOf(reference.name).length > 1) {
      io.err(`${folderOrName}: the folder of that name is taken, not ${reference.name} on the hub\n`);
    }
    return undefined;
  }
  if (reference) return reference;
  throw new Error(
    `${folderOrName}: there is no such folder. A ${part} on the hub is owner/name, such as openai-community/gpt2, or ` +
      `one of ${shortNames.join(", ")}.${didYouMean(folderOrName, shortNames)}`,
  );
}

/** What the hub answers, to somebody who may have meant a folder. @throws UsageError where nobody was to be asked */
async function toldOf<X>({ reference }: HubModel, answer: Promise<X>): Promise<X> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof NotCachedError) throw new UsageError(cause.message, { cause });
    if (!(cause instanceof NoSuchModelError || cause instanceof HubUnreachable)) throw cause;
    const ways =
      ". Give a folder that is there, or try again with a network; what is downloaded once works without";
    const way = cause instanceof HubUnreachable ? ways : "";
    throw new Error(`there is no folder ${showReference(reference)}, and ${cause.answer}${way}`, { cause });
  }
}

class Found implements FoundModel {
  constructor(
    readonly io: Io,
    readonly folder: string,
    readonly source: HubModel | undefined,
  ) {}

  async use<X>(use: (model: LoadedModel) => Promise<X>): Promise<X> {
    const model = await this.#open();
    try {
      return await use(model);
    } catch (cause) {
      // What its weights hold is seen as they are read, and then there is no going back.
      if (cause instanceof NotFiniteError && (await this.#mended(cause))) {
        throw new Error(`${messageOf(cause)}\nThe file is whole again: run the command again`, { cause });
      }
      throw cause;
    } finally {
      await model.close();
    }
  }

  async #open(): Promise<OpenModel> {
    try {
      return await openModelSaying(this.io, this.folder);
    } catch (cause) {
      if (!(await this.#mended(cause))) throw cause;
      return openModelSaying(this.io, this.folder);
    }
  }

  /** Whether files were broken, and are downloaded again. @throws Error where they are, and cannot be */
  async #mended(cause: unknown): Promise<boolean> {
      const broken = await brokenFiles(this.folder);
      if (broken.length === 0) return false;
      const what = broken
        .map(
          ({ file, hash, found }) =>
            `${file} is broken in the hub's cache: its hash is ${found}, not ${hash}`,
        )
        .join("; ");
      if (this.source && !isOffline()) {
        this.io.err(`${what}; downloading it again\n`);
        await toldOf(this.source, this.source.replace(this.folder, broken)).catch((why: unknown) => {
          throw new Error(
            `${messageOf(cause)}\n${what}, and it cannot be downloaded again: ${messageOf(why)}`,
            {
              cause: why,
            },
          );
        });
        return true;
      }
      const way = this.source
        ? "Unset HF_HUB_OFFLINE and run the command again, which downloads it once more"
        : "Give the model by its name on the hub instead of its folder, which downloads it once more";
      throw new Error(`${messageOf(cause)}\n${what}. ${way}`, { cause });
  }
}
