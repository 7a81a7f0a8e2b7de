import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Refusal } from './refusal.ts';

export const usage = `Replaces src/kit, and the files that it shares with you and that you did not change, with those of a newer template.

  npm run upgrade -- <folder or address> [--merge] [--base <folder>]

<folder or address>  the newer template: a folder, or its git address (https://…, ssh://…, git@host:path)
--merge              carries edits inside src/kit over to the new version
--base <folder>      the template in the version that your copy has, where the newer template has no tag of it

Commit first. The upgrade commits nothing, so that \`git diff\` shows what it did.
npm needs the two dashes: without them it takes what follows for its own options.`;

export type Source = { kind: 'folder'; folder: string } | { kind: 'address'; address: string };

export interface Order {
  from: Source;
  merge: boolean;
  base: string | undefined;
}

/** @throws Refusal */
export function readArguments(args: readonly string[], cwd = workingFolder()): Order | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const [from, ...more] = positionals;
  if (from === undefined || from === '') throw new Refusal(`Say where the newer template is.\n\n${usage}`);
  if (more.length > 0) throw new Refusal(`Say one folder or address; "${more[0]}" is one too many.`);
  const [base, ...bases] = values.base ?? [];
  if (bases.length > 0) throw new Refusal('Say --base once.');
  return {
    from: readSource(from, cwd),
    merge: values.merge ?? false,
    base: base === undefined ? undefined : readBase(base, cwd),
  };
}

/** An address as it may be printed: without the password or token that it may have, also in its query (R20). */
export function shown(address: string): string {
  const [scheme] = /^[a-z][a-z0-9+.-]*:\/\//i.exec(address) ?? [];
  if (scheme === undefined) return address;
  // A slash in a password makes it no address at all. Then nobody can say where the password ends.
  const user = URL.canParse(address) ? /^[^/]*@/ : /^.*@/s;
  return (
    scheme +
    address
      .slice(scheme.length)
      .replace(user, '')
      .replace(/[?#].*/s, '')
  );
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        merge: { type: 'boolean' },
        base: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Node's own words name the option that it does not know, and which one has no value.
    const words = error instanceof Error ? error.message.split('. ')[0] : '';
    throw new Refusal(`${words}.\n\n${usage}`);
  }
}

/** Whatever is neither a folder nor an https or ssh address could have git run a program (`ext::`, `--upload-pack=`). */
function readSource(text: string, cwd: string): Source {
  // Also where it comes after `--`, which ends the options.
  if (text.startsWith('-')) throw new Refusal(`"${text}" is an option, not a folder or an address.`);
  if (/^[a-z][a-z0-9+.-]*::/i.test(text)) throw notTaken(text);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const url = URL.parse(text);
    if (!url || !['https:', 'ssh:'].includes(url.protocol) || !url.hostname || url.hostname.startsWith('-'))
      throw notTaken(shown(text));
    return { kind: 'address', address: text };
  }
  const folder = resolve(cwd, text);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return { kind: 'folder', folder };
  // git@host:path; one letter before the colon is a drive.
  if (/^(?:[\w.][\w.-]*@)?[\w][\w.-]+:[^\s:-]\P{C}*$/u.test(text)) return { kind: 'address', address: text };
  throw new Refusal(`There is no folder "${text}", and it is not an https or ssh address.`);
}

function notTaken(text: string): Refusal {
  return new Refusal(`"${text}" is not accepted: the template is a folder, or an https or ssh address.`);
}

function readBase(text: string, cwd: string): string {
  const folder = resolve(cwd, text);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new Refusal(`--base: there is no folder "${text}".`);
}

/** npm starts a script in the project's folder, wherever it was called; a path is meant from where it was called. */
function workingFolder(): string {
  const { npm_lifecycle_event: script, INIT_CWD: calledIn } = process.env;
  return script === 'upgrade' && calledIn ? calledIn : process.cwd();
}
