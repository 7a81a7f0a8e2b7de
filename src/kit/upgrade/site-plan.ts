import { hashAt } from './compare.ts';
import { comeTogether, type Offers, originalOf, shownDiff, type Versions } from './offers.ts';
import { asWritten } from './patch.ts';
import { changedTexts } from './texts-plan.ts';

/** What the template changed that concerns the site's own files. An upgrade changes none of them. */
export interface SiteResult {
  /** Views and public files of the site's that replace one of the kit's which changed, and where the change is. */
  replacing: { path: string; by: 'patch' | 'reading' }[];
  /** Files that the site began with and has left as they came: the change is in upgrade.patch. */
  offered: string[];
  /** What the template has beside these from now on: in upgrade.patch, too. */
  added: string[];
  /** Those that the site has changed. */
  own: string[];
  /** Whether texts changed that the site replaces. */
  texts: boolean;
}

export function planSite(versions: Versions, offers: Offers): SiteResult {
  const result: SiteResult = { replacing: [], offered: [], added: [], own: [], texts: false };
  for (const path of versions.template.kit.files.keys()) {
    const [, own] = /^src\/kit\/((?:views|public)\/.+)$/.exec(path) ?? [];
    if (own !== undefined) planReplacing(path, own, versions, offers, result);
  }
  planStart(versions, offers, result);
  const texts = changedTexts(versions);
  if (texts !== undefined) offers.reading.push({ title: 'Texts', text: texts });
  result.texts = texts !== undefined;
  return result;
}

/** The site has a file in the place of one of the kit's: a change there, which may close a hole, is missing in it. */
function planReplacing(
  path: string,
  own: string,
  versions: Versions,
  offers: Offers,
  result: SiteResult,
): void {
  const { root, old, template, temporary } = versions;
  const [was, now, here] = [old.files.get(path), template.kit.files.get(path), hashAt(root, own)];
  if (was === now || here === undefined || here === now) return;
  // The template's own file, whose changes are the template's, too.
  if (here === startOf(versions, own)) return;
  const theirs = asWritten(template.tree.read(path));
  const before = originalOf(path, was, versions);
  const together =
    before && here !== 'not a file' ? comeTogether(own, before, theirs.content, versions) : undefined;
  if (together && !together.conflict) {
    if (!together.sides) return;
    offers.patch.push(together.sides);
    result.replacing.push({ path: own, by: 'patch' });
    return;
  }
  // No conflict markers: a page would show them to people.
  const from = before && asWritten({ content: before, executable: false });
  const words =
    was === undefined
      ? 'is new'
      : before
        ? 'changed'
        : `changed, and how it was in ${old.version} is not known, so this is all of it`;
  result.replacing.push({ path: own, by: 'reading' });
  offers.reading.push({
    title: own,
    text: `Yours replaces ${path}, which ${words}:\n\n${shownDiff({ path, from, to: theirs }, temporary)}`,
  });
}

/** What the site began with is its own. Where it was left as it came, the template's change can be had. */
function planStart(versions: Versions, offers: Offers, result: SiteResult): void {
  const { root, old, template } = versions;
  const taken = new Set(result.replacing.map(({ path }) => path));
  for (const [path, now] of [...(template.kit.start ?? []), ...template.kit.example]) {
    const [was, here] = [startOf(versions, path), hashAt(root, path)];
    if (was === now || here === now || taken.has(path)) continue;
    const { content } = asWritten(template.tree.read(path));
    if (was !== undefined && here === was) {
      const sides = comeTogether(path, originalOf(path, was, versions) ?? content, content, versions)?.sides;
      if (sides) offers.patch.push(sides);
      result.offered.push(path);
    } else if (was !== undefined && here !== undefined) result.own.push(path);
    // A new one: a changed one may include it.
    else if (was === undefined && here === undefined && old.start && template.kit.start?.has(path)) {
      offers.patch.push({ path, from: undefined, to: { content, executable: false } });
      result.added.push(path);
    }
  }
}

function startOf({ old }: Versions, path: string): string | undefined {
  return old.start?.get(path) ?? old.example.get(path);
}
