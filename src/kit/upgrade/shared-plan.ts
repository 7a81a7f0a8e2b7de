import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Changes } from './apply.ts';
import { baseFile } from './base.ts';
import { hashAt } from './compare.ts';
import { prefixOf } from './git.ts';
import { hashOf, type Kit } from './kit-file.ts';
import { asWritten, diffOf, endedLike, fromHistory, patchFits, type Sides } from './patch.ts';
import { Refusal } from './refusal.ts';
import type { Release } from './template.ts';

export const patchFile = 'upgrade.patch';

export interface SharedResult {
  changed: string[];
  added: string[];
  removed: string[];
  /** Deleted by the site, and still in the template. */
  stayDeleted: string[];
  /** Changed by the site, and no longer in the template. */
  stay: string[];
  /** Changed by both. Left as they are; upgrade.patch has what the template changed in these … */
  patched: string[];
  /** … and what turns yours into the template's, where the template's old version is not known. */
  compared: string[];
  fits: boolean;
}

interface SharedPlan {
  root: string;
  old: Kit;
  template: Release;
  base: Release | undefined;
  temporary: string;
}

export function planShared(plan: SharedPlan, changes: Changes): SharedResult {
  const { root, old, template } = plan;
  const result: SharedResult = {
    ...{
      changed: [],
      added: [],
      removed: [],
      stayDeleted: [],
      stay: [],
      patched: [],
      compared: [],
      fits: true,
    },
  };
  const left: string[] = [];
  for (const path of new Set([...template.kit.shared.keys(), ...old.shared.keys()])) {
    const [was, now, here] = [old.shared.get(path), template.kit.shared.get(path), hashAt(root, path)];
    // It is there, but no longer shared: from now on it is the site's.
    if (here === now || (now === undefined && template.tree.entries.has(path))) continue;
    if (here === undefined) {
      if (was !== undefined) result.stayDeleted.push(path);
      else result.added.push(path);
    } else if (here === was) {
      if (now === undefined) result.removed.push(path);
      else result.changed.push(path);
    } else if (now === undefined) result.stay.push(path);
    else if (now !== was) left.push(path);
  }
  for (const path of [...result.changed, ...result.added])
    changes.writes.set(path, asWritten(template.tree.read(path)));
  for (const path of result.removed) changes.deletes.add(path);
  if (left.length > 0) writePatch(left, plan, changes, result);
  return result;
}

/** One patch for all: first what the template changed, then the files of which only the new version is known. */
function writePatch(left: string[], plan: SharedPlan, changes: Changes, result: SharedResult): void {
  const { root, old, template, temporary } = plan;
  if (existsSync(join(root, patchFile)))
    throw new Refusal(
      `${patchFile} of an earlier upgrade is still here, and this upgrade would write its own. Apply it or delete it, and commit.`,
    );
  const patched: Sides[] = [];
  const compared: Sides[] = [];
  for (const path of left) {
    if (hashAt(root, path) === 'not a file') {
      result.compared.push(path);
      continue;
    }
    const yours = {
      content: readFileSync(join(root, path)),
      executable: template.tree.read(path).executable,
    };
    const original = originalOf(path, plan);
    const [from, to] = [original && { ...yours, content: original }, template.tree.read(path)].map(
      (file) => file && endedLike(asWritten(file), yours.content),
    );
    (from ? patched : compared).push({ path, from: from ?? yours, to });
  }
  result.patched.push(...patched.map(({ path }) => path));
  result.compared.push(...compared.map(({ path }) => path));
  const prefix = prefixOf(root);
  const changedByTemplate = diffOf(patched, temporary, prefix);
  result.fits = patchFits(root, changedByTemplate, temporary);
  const text = [
    `What ${template.kit.version} changed since ${old.version} in files that you changed as well.`,
    'Apply it with: git apply upgrade.patch',
    '',
    changedByTemplate,
    ...(compared.length > 0
      ? [
          `The version of ${old.version} of the files below is not known: this turns yours into the template's, your changes undone.`,
          '',
          diffOf(compared, temporary, prefix),
        ]
      : []),
  ];
  changes.writes.set(patchFile, { content: Buffer.from(text.join('\n'), 'latin1'), executable: false });
}

/** The file as the copy was made from it: from the template's old version, or from the copy's own history. */
function originalOf(path: string, { root, old, base }: SharedPlan): Buffer | undefined {
  const hash = old.shared.get(path);
  if (hash === undefined) return undefined;
  return baseFile(base, path, hash)?.content ?? fromHistory(root, path, hash, hashOf);
}
