import { isRecord } from '../../src/kit/upgrade/kit-file.ts';

type Json = Record<string, unknown>;

/**
 * The packages of a lock that are still needed by the project itself (the entry without a path) or by one that is
 * needed. npm would do the same, but it may want to ask the registry, and there may be no network.
 */
export function prune(packages: Json): Json {
  const needed = new Set(['']);
  for (const path of needed) {
    for (const name of neededBy(packages[path])) {
      const found = find(packages, path, name);
      if (found !== undefined) needed.add(found);
    }
  }
  return Object.fromEntries(Object.entries(packages).filter(([path]) => needed.has(path)));
}

function neededBy(entry: unknown): string[] {
  if (!isRecord(entry)) return [];
  const groups = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
  const names = groups.flatMap((group) => Object.keys(isRecord(entry[group]) ? entry[group] : {}));
  // A link's entry says where the package is.
  return entry.link === true && typeof entry.resolved === 'string' ? [entry.resolved, ...names] : names;
}

/** Where Node finds a package: beside the one that needs it, or beside one above. */
function find(packages: Json, from: string, name: string): string | undefined {
  if (isRecord(packages[from]) && (packages[from] as Json).resolved === name && name in packages) return name;
  for (let place = from; ; place = above(place)) {
    const path = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (place === '') return undefined;
  }
}

function above(place: string): string {
  const at = place.lastIndexOf('/node_modules/');
  return at < 0 ? '' : place.slice(0, at);
}
