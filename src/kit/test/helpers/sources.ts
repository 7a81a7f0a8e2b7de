import { globSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';

/** A source file, by its path from the folder that was read, with `/` on every system. */
export interface Source {
  name: string;
  text: string;
}

export interface Import {
  from: string;
  typesOnly: boolean;
}

/** The files of a folder and below that a pattern names. */
export function sourcesIn(folder: string, pattern: string): Source[] {
  return globSync(pattern, { cwd: folder })
    .map((name) => ({ name: name.replaceAll(sep, '/'), text: readFileSync(join(folder, name), 'utf8') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What takes the path of a file from an address; fileURLToPath and import.meta.dirname do not. */
export function pathsFromAddresses(sources: readonly Source[]): string[] {
  return sources
    .filter(({ text }) => /new URL\([^()]*import\.meta\.url\)\s*\.pathname/.test(text))
    .map(({ name }) => `${name}: use fileURLToPath or import.meta.dirname`);
}

/** Comments may speak of anything. */
export function importsOf(text: string): Import[] {
  const code = text.replace(/^\s*(\/\/|\/?\*).*$/gm, '');
  const statements = code.matchAll(
    /^(?:import|export)\s+(type\s+)?([^;]*?)\s*from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].map(([, type, names = '', from, bare, dynamic]) => ({
    from: from ?? bare ?? dynamic ?? '',
    typesOnly: Boolean(type) || /^\{(\s*type\s+\w+(\s+as\s+\w+)?\s*,?)*\s*\}$/.test(names),
  }));
}

/** The files that a file imports, by their path from the same folder. */
export function filesImportedBy({ name, text }: Source): string[] {
  return importsOf(text)
    .filter(({ from }) => from.startsWith('.'))
    .map(({ from }) => posix.normalize(posix.join(posix.dirname(name), from)));
}
