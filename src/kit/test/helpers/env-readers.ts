import { parseEnv } from 'node:util';

// How the programs that read a `.env` understand it. Each is strict in another way: the same text must mean the same.

type Read = (text: string) => Record<string, string>;

export const envReaders: Record<'Node' | 'Docker' | 'Compose', Read> = {
  Node: (text) => ({ ...parseEnv(text) }) as Record<string, string>,
  Docker: readAsDocker,
  Compose: readAsCompose,
};

/**
 * `docker run --env-file`: a line is a name and a value, and the value is all behind the first `=`, with its quotes and
 * its blanks. A line that begins with # is a comment. A name without `=` takes the value that the shell has.
 */
function readAsDocker(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split('\n').map((each) => each.trimStart())) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.indexOf('=');
    const name = at < 0 ? line : line.slice(0, at);
    if (name === '' || /[ \t]/.test(name)) throw new Error(`no name of a variable: ${line}`);
    if (at >= 0) found[name] = line.slice(at + 1);
  }
  return found;
}

/**
 * Compose's `env_file`: a value in quotes ends at the quote, on whichever line that is. One without ends at a blank with
 * a # behind it, or at the end of the line. `$` begins the name of a variable, but for single quotes.
 */
function readAsCompose(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (let rest = text.trimStart(); rest !== ''; rest = rest.trimStart()) {
    const [line = ''] = rest.split('\n');
    if (line.startsWith('#')) {
      rest = rest.slice(line.length);
      continue;
    }
    const [start, name = ''] = /^(?:export[ \t]+)?([A-Za-z0-9_.[\]-]+)[ \t]*[=:][ \t]*/.exec(line) ?? [];
    if (start === undefined) throw new Error(`no name and value: ${line}`);
    rest = rest.slice(start.length);
    const [quoted, quote] = /^(['"])(?:\\.|(?!\1)[\s\S])*\1/.exec(rest) ?? [];
    if (quoted === undefined && /^['"]/.test(rest)) throw new Error(`a quote that does not end: ${line}`);
    const raw = quoted ?? line.slice(start.length);
    rest = rest.slice(raw.length);
    const inner = quoted?.slice(1, -1) ?? (raw.split(' #')[0] ?? '').trimEnd();
    const plain = quote === '"' ? inner.replace(/\\n/g, '\n').replace(/\\([^$])/g, '$1') : inner;
    found[name] = quote === "'" ? plain : filledIn(plain, found);
  }
  return found;
}

/** `$$` is a `$`; a name in braces may have a default. What is not set is empty. */
function filledIn(value: string, set: Readonly<Record<string, string>>): string {
  return value.replace(
    /\$(?:(\$)|\{(\w+)(?::?-([^}]*))?[^}]*\}|(\w+))/g,
    (_all, dollar, braced, standard, bare) => dollar ?? set[braced ?? bare] ?? standard ?? '',
  );
}
