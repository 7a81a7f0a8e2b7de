import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Changes } from './apply.ts';
import { baseFile } from './base.ts';
import { type Differences, hashAt } from './compare.ts';
import { kitJson } from './kit-file.ts';
import type { Versions } from './offers.ts';
import { asWritten, mergeFiles } from './patch.ts';
import { Refusal } from './refusal.ts';
import type { Release } from './template.ts';

export interface KitResult {
  changed: string[];
  added: string[];
  removed: string[];
  /** Edits of the site: carried over, and those that a person must decide on. */
  merged: string[];
  conflicts: string[];
}

interface KitPlan extends Versions {
  edits: Differences;
}

/** The edits that replacing the kit would lose: not those that the new version has in the same words. */
export function lostEdits(
  { changed, missing, added }: Differences,
  root: string,
  { kit }: Release,
): Differences {
  const differs = (path: string) => hashAt(root, path) !== kit.files.get(path);
  return { changed: changed.filter(differs), missing: missing.filter(differs), added: added.filter(differs) };
}

export function planKit(plan: KitPlan, changes: Changes): KitResult {
  const { root, old, template, edits } = plan;
  const result: KitResult = { changed: [], added: [], removed: [], merged: [], conflicts: [] };
  const edited = new Set([...edits.changed, ...edits.missing, ...edits.added]);
  for (const [path, hash] of template.kit.files) {
    if (edited.has(path) || hashAt(root, path) === hash) continue;
    // git ignores it, or it would count as an edit; no commit has it.
    if (!old.files.has(path) && existsSync(join(root, path)))
      throw new Refusal(
        `${path} is yours, and git ignores it. The new version has a file of that name: move yours.`,
      );
    (existsSync(join(root, path)) ? result.changed : result.added).push(path);
    changes.writes.set(path, asWritten(template.tree.read(path)));
  }
  for (const path of old.files.keys()) {
    if (template.kit.files.has(path) || edited.has(path) || !existsSync(join(root, path))) continue;
    result.removed.push(path);
    changes.deletes.add(path);
  }
  for (const path of edited) carryOver(path, plan, changes, result);
  changes.writes.set(kitJson, asWritten({ content: template.kitText, executable: false }));
  return result;
}

function carryOver(path: string, plan: KitPlan, changes: Changes, result: KitResult): void {
  const { root, old, template, base, temporary } = plan;
  const [was, now] = [old.files.get(path), template.kit.files.get(path)];
  if (now === was || (now === undefined && was === undefined)) {
    // The template left it alone.
    result.merged.push(path);
    return;
  }
  const file = join(root, path);
  if (now === undefined) {
    result.conflicts.push(
      `${path}: the new version does not have this file. Yours is kept; move what you need out of it.`,
    );
    return;
  }
  const theirs = asWritten(template.tree.read(path));
  if (!existsSync(file)) {
    changes.writes.set(path, theirs);
    result.conflicts.push(`${path}: you deleted it, and the new version changed it. It is back.`);
    return;
  }
  if (hashAt(root, path) === 'not a file')
    throw new Refusal(`${path} is a link or a folder here. Put the file back, and commit.`);
  const original = was === undefined ? Buffer.alloc(0) : baseFile(base, path, was)?.content;
  if (!original)
    throw new Refusal(
      `The template that --merge starts from has another ${path} than your copy was made from.`,
    );
  const sides = { yours: readFileSync(file), base: original, theirs: theirs.content };
  const { content, conflict } = mergeFiles(
    sides,
    { base: old.version, theirs: template.kit.version },
    temporary,
  );
  changes.writes.set(path, { ...theirs, content });
  if (conflict)
    result.conflicts.push(
      `${path}: you and the new version changed the same lines. Both are in the file, between conflict markers.`,
    );
  else result.merged.push(path);
}
