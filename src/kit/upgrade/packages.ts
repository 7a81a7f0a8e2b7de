import { isRecord, type PackageParts, packageParts } from './kit-file.ts';
import { Refusal } from './refusal.ts';
import { compareVersions, lowestOf } from './versions.ts';

/** A package.json as far as it is merged; the rest of the copy's is left as it is. */
type Package = Record<string, unknown>;
type Part = (typeof packageParts)[number];
type Values = Record<string, unknown>;

export interface MergedPackage {
  json: Package;
  /** What the merge did, and what it left, a line each. */
  done: string[];
  kept: string[];
}

/**
 * Three-way: what the template changed between `base` and `theirs` is done to `yours`, unless the site changed the same.
 * Without a base nothing is removed, and of two different values yours stays.
 */
export function mergePackages(yours: Package, base: Package | undefined, theirs: Package): MergedPackage {
  const merged: MergedPackage = { json: { ...yours }, done: [], kept: [] };
  checkRanges(theirs);
  mergeDependencies(merged, base, theirs);
  for (const part of ['scripts', 'imports', 'engines', 'allowScripts'] as const) {
    const [was, now] = [valuesOf(base, part), valuesOf(theirs, part)].map((values) =>
      part === 'scripts' ? withoutOwnRuns(values) : values,
    );
    setPart(merged.json, part, mergeValues(merged, part, was, now));
  }
  for (const name of Object.keys(valuesOf(theirs, 'scripts') ?? {}).filter(runsByItself)) {
    if (valuesOf(merged.json, 'scripts')?.[name] !== valuesOf(theirs, 'scripts')?.[name])
      merged.kept.push(
        `script "${name}": not taken, because npm would run it on its own at the next \`npm ci\`.`,
      );
  }
  if (!base) noteOwn(merged, theirs);
  return merged;
}

/** What npm runs at an install without being asked: nothing that was fetched gets to run so. */
function runsByItself(name: string): boolean {
  return /^((pre|post)?(install|prepare)|prepublish|dependencies)$/.test(name);
}

function withoutOwnRuns(scripts: Values | undefined): Values | undefined {
  return scripts && Object.fromEntries(Object.entries(scripts).filter(([name]) => !runsByItself(name)));
}

export function partsOf(json: Package): PackageParts {
  return Object.fromEntries(
    packageParts.filter((part) => isRecord(json[part])).map((part) => [part, json[part]]),
  );
}

/** The same parts in the same order of names: what npm writes to package-lock.json of them. */
export function sameDependencies(a: Package, b: Package): boolean {
  const sorted = (json: Package) =>
    JSON.stringify(
      ([...groups, 'engines'] as const).map((part) =>
        Object.entries(valuesOf(json, part) ?? {}).sort(([x], [y]) => (x < y ? -1 : 1)),
      ),
    );
  return sorted(a) === sorted(b);
}

/** Of a package in two of them, the last counts. */
const groups = ['devDependencies', 'dependencies', 'optionalDependencies'] as const;
type Group = (typeof groups)[number];
interface Wanted {
  group: Group;
  range: string;
}

/** Both groups at once, because a site may move a package from one to the other. */
function mergeDependencies(merged: MergedPackage, base: Package | undefined, theirs: Package): void {
  const [ours, old, fresh] = [wanted(merged.json), base && wanted(base), wanted(theirs)];
  for (const name of [...fresh.keys(), ...[...(old?.keys() ?? [])].filter((each) => !fresh.has(each))]) {
    const [mine, was, now] = [ours.get(name), old?.get(name), fresh.get(name)];
    const result = mergeRange(name, mine, was, now, merged);
    if (result) ours.set(name, result);
    else ours.delete(name);
  }
  for (const group of groups) {
    const entries = [...ours]
      .filter(([, one]) => one.group === group)
      .map(([name, { range }]) => [name, range]);
    // npm sorts them, too.
    const values = Object.fromEntries(entries.sort(([a = ''], [b = '']) => a.localeCompare(b, 'en')));
    if (!sameValues(values, valuesOf(merged.json, group) ?? {})) setPart(merged.json, group, values);
  }
}

function mergeRange(
  name: string,
  mine: Wanted | undefined,
  was: Wanted | undefined,
  now: Wanted | undefined,
  { done, kept }: MergedPackage,
): Wanted | undefined {
  if (!now) {
    if (!mine || !was) return mine;
    if (mine.range === was.range && mine.group === was.group) {
      done.push(`${name} ${was.range} removed`);
      return undefined;
    }
    kept.push(`${name} ${mine.range}: the template no longer has it; you changed it, so it stays.`);
    return mine;
  }
  if (!mine) {
    if (!was) {
      done.push(`${name} ${now.range} added to ${now.group}`);
      return now;
    }
    if (was.range !== now.range)
      kept.push(`${name}: you removed it, so it stays removed. The template has ${now.range} now.`);
    return undefined;
  }
  const group = was && mine.group === was.group ? now.group : mine.group;
  if (mine.range === now.range || was?.range === now.range) return { group, range: mine.range };
  if (mine.range !== was?.range && !isLower(mine.range, now.range)) {
    kept.push(`${name} ${mine.range}: yours stays. The template has ${now.range}.`);
    return { group, range: mine.range };
  }
  done.push(`${name} ${mine.range} → ${now.range}`);
  return { group, range: now.range };
}

function mergeValues(merged: MergedPackage, part: Part, was: Values | undefined, now: Values = {}): Values {
  const mine = { ...valuesOf(merged.json, part) };
  const title = part === 'scripts' ? 'script' : part;
  for (const name of new Set([...Object.keys(now), ...Object.keys(was ?? {})])) {
    const [yours, old, fresh] = [mine[name], was?.[name], now[name]].map((value) => JSON.stringify(value));
    const changedHere = was ? yours !== old : yours !== undefined;
    if (yours === fresh) continue;
    if (fresh === old) {
      // Only the site changed it. A script of the kit may need what it replaced, so it is named.
      if (part === 'scripts' && yours !== undefined) merged.kept.push(`script "${name}": yours stays.`);
    } else if (!changedHere || (part === 'engines' && isLower(mine[name], now[name]))) {
      merged.done.push(
        `${title} "${name}" ${yours === undefined ? 'added' : fresh === undefined ? 'removed' : 'changed'}: ${fresh ?? yours}`,
      );
      if (fresh === undefined) delete mine[name];
      else mine[name] = now[name];
    } else if (fresh === undefined) {
      merged.kept.push(`${title} "${name}": the template no longer has it; you changed it, so it stays.`);
    } else {
      merged.kept.push(
        `${title} "${name}": ${yours === undefined ? 'you removed it' : 'yours stays'}. The template's: ${fresh}`,
      );
    }
  }
  return mine;
}

/** Without a base, what the template removed and what the site added look the same. */
function noteOwn({ json, kept }: MergedPackage, theirs: Package): void {
  const fresh = wanted(theirs);
  const names = [...wanted(json).keys()].filter((name) => !fresh.has(name));
  if (names.length > 0)
    kept.push(
      `Not in the new template's package.json: ${names.join(', ')}. Remove those that are not your own.`,
    );
}

function isLower(yours: unknown, theirs: unknown): boolean {
  const [mine, other] = [yours, theirs].map((range) =>
    typeof range === 'string' ? lowestOf(range) : undefined,
  );
  return mine !== undefined && other !== undefined && compareVersions(mine, other) < 0;
}

/**
 * A dependency that is an address, a path or a repository would have npm fetch it from there, and prepare it with the
 * scripts that it brings. The template's are versions from the registry.
 */
function checkRanges(theirs: Package): void {
  for (const [name, { range }] of wanted(theirs)) {
    if (!/^(@[\w.-]+\/)?[\w.-]+$/.test(name) || !/^(npm:(@[\w.-]+\/)?[\w.-]+@)?[\w.*^~<>=| -]+$/.test(range))
      throw new Refusal(
        `The template's package.json asks for ${name} "${range}". Only versions from the registry are taken.`,
      );
  }
}

function wanted(json: Package): Map<string, Wanted> {
  const found = new Map<string, Wanted>();
  for (const group of groups) {
    for (const [name, range] of Object.entries(valuesOf(json, group) ?? {}))
      found.set(name, { group, range: String(range) });
  }
  return found;
}

function valuesOf(json: Package | undefined, part: Part): Values | undefined {
  const values = json?.[part];
  return isRecord(values) ? values : json && {};
}

function setPart(json: Package, part: Part, values: Values): void {
  if (Object.keys(values).length > 0 || json[part] !== undefined) json[part] = values;
}

function sameValues(a: Values, b: Values): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}
