import { linksIn, mentionedBy, pagesOfTest, pathsIn } from './mentions.ts';
import { testSettings } from './project.ts';
import { isContext, type SiteLine } from './site-lines.ts';

/** What adopt might delete, and what may speak for it. */
export interface Inventory {
  /** The listed files that are here. */
  listed: Set<string>;
  /** Those that the copier changed. */
  edited: Set<string>;
  /** Code and views outside the kit, by path; src/site.ts is not among them. */
  sources: Map<string, string>;
  lines: readonly SiteLine[];
}

export interface Staying {
  /** Each listed file that stays, and why, for a sentence. */
  files: Map<string, string>;
  lines: Set<SiteLine>;
}

/**
 * What may stay, the least first: with none of the lines that pages work with (`open: …`), with each of them, and with
 * each set of them. One line may be of no use without another, and brings files and lines of its own, so taking them
 * away one by one would get stuck at too many.
 */
export function choicesOf(inventory: Inventory): Staying[] {
  const choices = new Map<string, Staying>();
  for (const wanted of setsOf(inventory.lines.filter(isContext))) {
    const staying = findStaying(inventory, wanted);
    // Many sets come to the same.
    const lines = inventory.lines.map((line) => Number(staying.lines.has(line)));
    choices.set([...lines, ...[...staying.files.keys()].sort()].join(), staying);
  }
  return [...choices.values()].sort(
    (one, other) => one.files.size - other.files.size || one.lines.size - other.lines.size,
  );
}

function setsOf(lines: readonly SiteLine[]): SiteLine[][] {
  const sets: SiteLine[][] = [[]];
  for (const line of lines) sets.push(...sets.map((set) => [...set, line]));
  return sets;
}

/**
 * Which of the listed files stay, with their lines of src/site.ts: those that were edited, those that a file of the
 * copier's names, and all that these need or link to. `wanted` are lines that stay in any case.
 */
export function findStaying(inventory: Inventory, wanted: Iterable<SiteLine> = []): Staying {
  const { listed, edited, sources, lines } = inventory;
  const staying: Staying = { files: new Map(), lines: new Set(wanted) };
  const stay = (named: string, why: string) => {
    // A folder is named for all that is in it.
    const paths = named.endsWith('/') ? [...listed].filter((path) => path.startsWith(named)) : [named];
    for (const path of paths) if (listed.has(path) && !staying.files.has(path)) staying.files.set(path, why);
  };
  const stayLinked = (links: Set<string>, why: string) => {
    for (const path of listed) if (isPageOf(links, path, sources)) stay(path, why);
  };
  for (const line of lines) if (!line.isExample) staying.lines.add(line);
  for (const path of edited) stay(path, 'you edited it');
  for (const [path, text] of sources) {
    if (listed.has(path)) continue;
    for (const named of mentionedBy(path, text)) stay(named, `${path} uses it`);
    stayLinked(linksIn(text), `${path} links to it`);
  }
  // Each round may bring what the next one needs.
  for (let before = -1; before !== staying.files.size + staying.lines.size; ) {
    before = staying.files.size + staying.lines.size;
    for (const path of staying.files.keys()) {
      for (const named of needsOf(path, sources)) stay(named, `${path} needs it`);
      if (isPage(path)) stayLinked(linksOfPage(path, sources), `${path} links to it`);
    }
    for (const path of listed)
      if (testsOnly(path, inventory, staying.files)) stay(path, 'it tests what stays');
      else if (setsFor(path, inventory, staying.files)) stay(path, 'it has settings of what stays');
    keepLines(lines, staying, stay);
  }
  return staying;
}

/** A line stays with the file that it imports or whose names it uses; and what a line uses stays with it. */
function keepLines(
  lines: readonly SiteLine[],
  staying: Staying,
  stay: (path: string, why: string) => void,
): void {
  const imports = lines.filter((line) => line.isExample && line.from !== undefined);
  for (const one of imports) {
    const users = lines.filter((line) => line !== one && one.names.some((name) => line.words.has(name)));
    if (staying.files.has(one.from ?? '')) for (const line of [one, ...users]) staying.lines.add(line);
    if (!users.some((line) => staying.lines.has(line))) continue;
    staying.lines.add(one);
    stay(one.from ?? '', 'a line of src/site.ts that stays uses it');
  }
}

/** Of the example's tests, those stay whose page stays and which import nothing that goes. */
function testsOnly(path: string, { listed, sources }: Inventory, files: Map<string, string>): boolean {
  if (!/\.test\.ts$/.test(path)) return false;
  const subjects = needsOf(path, sources).filter((one) => listed.has(one));
  return subjects.length > 0 && subjects.every((one) => files.has(one));
}

/** The tests' settings stay with a file that speaks of one of them. */
function setsFor(path: string, { sources }: Inventory, files: Map<string, string>): boolean {
  if (path !== testSettings) return false;
  const names = (sources.get(path) ?? '').match(/^[A-Z][A-Z0-9_]*(?==)/gm) ?? [];
  return [...files.keys()].some((file) => names.some((name) => sources.get(file)?.includes(name)));
}

const isPage = (path: string) => path.startsWith('src/pages/');

/** Whether it defines a page that one of these links leads to. */
function isPageOf(links: Set<string>, path: string, sources: Map<string, string>): boolean {
  return isPage(path) && [...pathsIn(sources.get(path) ?? '')].some((one) => links.has(one));
}

/** Its own, and those in the views that it prints. A view alone, which a page of the copier's may print, needs no page. */
function linksOfPage(page: string, sources: Map<string, string>): Set<string> {
  const files = new Set([page]);
  const links = new Set<string>();
  for (const file of files) {
    const text = sources.get(file) ?? '';
    for (const link of linksIn(text)) links.add(link);
    for (const named of mentionedBy(file, text)) if (named.endsWith('.ejs')) files.add(named);
  }
  return links;
}

function needsOf(path: string, sources: Map<string, string>): string[] {
  return [...mentionedBy(path, sources.get(path) ?? ''), ...pagesOfTest(path)];
}
