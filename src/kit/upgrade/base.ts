import type { Copy } from './copy.ts';
import { hashOf, kitJson } from './kit-file.ts';
import { Refusal } from './refusal.ts';
import { type Release, readRelease, type Template } from './template.ts';
import { type FileContent, folderTree } from './tree.ts';

/**
 * The template in the version that the copy has: --base, else the newer template's tag of that version. Where `needed` is
 * false, a tag that is missing or wrong only means that it is not known.
 */
export function findBase(
  folder: string | undefined,
  template: Template,
  { kit }: Copy,
  needed: boolean,
): Release | undefined {
  if (folder !== undefined) {
    const base = readRelease(folderTree(folder), `the folder of --base (${folder})`);
    if (base.kit.name !== kit.name || base.kit.version !== kit.version)
      throw new Refusal(
        `--base has ${base.kit.name} ${base.kit.version}. Your copy was made from ${kit.name} ${kit.version}.`,
      );
    return base;
  }
  const tag = `v${kit.version}`;
  try {
    const tree = template.atTag(tag);
    const base = tree && readRelease(tree, `the template's tag ${tag}`);
    if (base && base.kit.version !== kit.version)
      throw new Refusal(`The template's tag ${tag} has a ${kitJson} of version ${base.kit.version}.`);
    if (base || !needed) return base;
  } catch (error) {
    if (needed || !(error instanceof Refusal)) throw error;
    return undefined;
  }
  throw new Refusal(
    `--merge needs the template in version ${kit.version}, which yours was made from, and the template has no tag ${tag}. Give a folder with that version: --base <folder>`,
  );
}

/** A file of the base, if it is the one that the copy was made from. */
export function baseFile(
  base: Release | undefined,
  path: string,
  hash: string | undefined,
): FileContent | undefined {
  if (base?.tree.entries.get(path)?.kind !== 'file') return undefined;
  const file = base.tree.read(path);
  return hashOf(file.content) === hash ? file : undefined;
}
