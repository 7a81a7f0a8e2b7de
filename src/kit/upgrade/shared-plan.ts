import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Changes } from './apply.ts';
import { hashAt } from './compare.ts';
import { comeTogether, type Offers, originalOf, shownDiff, type Versions } from './offers.ts';
import { asWritten, endedLike } from './patch.ts';

export interface SharedResult {
  changed: string[];
  added: string[];
  removed: string[];
  /** Deleted by the site, and still in the template. */
  stayDeleted: string[];
  /** Changed by the site, and no longer in the template. */
  stay: string[];
  /** Changed by both. Left as they are; upgrade.patch brings in what the template changed in these … */
  patched: string[];
  /** … and upgrade-by-hand.md shows the difference, where the template's old version is not known. */
  compared: string[];
}

export function planShared(versions: Versions, changes: Changes, offers: Offers): SharedResult {
  const { root, old, template } = versions;
  const result: SharedResult = {
    ...{ changed: [], added: [], removed: [], stayDeleted: [], stay: [], patched: [], compared: [] },
  };
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
    else if (now !== was) offer(path, versions, offers, result);
  }
  for (const path of [...result.changed, ...result.added])
    changes.writes.set(path, asWritten(template.tree.read(path)));
  for (const path of result.removed) changes.deletes.add(path);
  return result;
}

/** The template changed a file that the site has changed as well. */
function offer(path: string, versions: Versions, offers: Offers, result: SharedResult): void {
  const { root, old, template, temporary } = versions;
  if (hashAt(root, path) === 'not a file') {
    result.compared.push(path);
    offers.reading.push({ title: path, text: `Yours is a link or a folder; the template has a file.` });
    return;
  }
  const now = asWritten(template.tree.read(path)).content;
  const before = originalOf(path, old.shared.get(path), versions);
  const together =
    before && comeTogether(path, asWritten({ content: before, executable: false }).content, now, versions);
  if (!together) {
    const yours = { content: readFileSync(join(root, path)), executable: false };
    const sides = { path, from: yours, to: endedLike({ ...yours, content: now }, yours.content) };
    result.compared.push(path);
    offers.reading.push({
      title: path,
      text: `You changed it, and how it was in ${old.version} is not known. This would turn yours into the template's, your changes undone:\n\n${shownDiff(sides, temporary)}`,
    });
  } else if (together.sides) {
    result.patched.push(path);
    offers.patch.push(together.sides);
    if (together.conflict) offers.conflicts.push(path);
  }
}
