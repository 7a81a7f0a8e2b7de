import { asksNone, belongsToProtocol, isParameterName } from '../config/authorization-parameters.ts';
import { hostMark } from '../http/other-host.ts';

/** What links may ask for where the site says nothing. None of it decides where or how strongly somebody signs in. */
const usual = ['login_hint', 'ui_locales', 'prompt=create', 'prompt=select_account'];

/** What /auth/login reads itself. */
export const ownLoginParameters: ReadonlySet<string> = new Set([
  'returnTo',
  'renew',
  'restarted',
  'switch',
  'api',
  hostMark,
]);

const mostEntries = 50;
const longestEntry = 200;
const longestPrompt = 60;

/** Which parameters of a link to /auth/login go on to the provider. */
export type LoginParameters = ReturnType<typeof loginParameters>;

/** @param entries the site's `loginParameters`, checked: `name`, or `name=value` for that value only */
export function loginParameters(entries: readonly string[] = usual) {
  const allowed = new Set(entries);
  const named = new Set(entries.map((entry) => entry.split('=', 1)[0] ?? ''));
  return {
    /** Whether the site names this parameter at all. */
    names: (name: string) => named.has(name),
    /** Whether a link may send this one. Never what the protocol needs, nor `prompt=none`. */
    allows(name: string, value: string): boolean {
      if (belongsToProtocol(name) || (isPromptName(name) && !isPrompt(value))) return false;
      return allowed.has(name) || allowed.has(`${name}=${value}`);
    },
  };
}

/** What is wrong with the site's list, each a sentence with what to do. */
export function loginParameterProblems(list: unknown): string[] {
  if (list === undefined) return [];
  const about = '`loginParameters`';
  if (!Array.isArray(list)) {
    return [`${about} must be a list of strings, such as ['login_hint', 'prompt=create'].`];
  }
  if (list.length > mostEntries) return [`${about} has more than ${mostEntries} entries. Remove some.`];
  return list.flatMap((entry: unknown, index) => {
    const problem =
      typeof entry === 'string' ? problemOf(entry) : 'is not a string. Write the name of a parameter.';
    const which = typeof entry === 'string' && entry !== '' ? shown(entry) : `number ${index + 1}`;
    if (problem !== undefined) return `${about}: ${which} ${problem}`;
    return list.indexOf(entry) < index ? `${about}: ${which} is listed twice. Remove one.` : [];
  });
}

function problemOf(entry: string): string | undefined {
  const cut = entry.indexOf('=');
  const name = cut < 0 ? entry : entry.slice(0, cut);
  const value = cut < 0 ? undefined : entry.slice(cut + 1);
  if (entry.trim() === '') return 'is empty. Write the name of a parameter, or remove it.';
  if (entry.length > longestEntry) return `is longer than ${longestEntry} characters. Shorten it.`;
  if (!isParameterName(name)) {
    return 'is not the name of a parameter. Write letters, digits, _, . and -, or name=value.';
  }
  if (belongsToProtocol(name)) return 'can never come from a link: the app sets it itself. Remove it.';
  if (ownLoginParameters.has(name)) return "is one of the kit's own parameters of /auth/login. Remove it.";
  if (isPromptName(name) && name !== 'prompt') return 'is not a name that providers know. Write prompt.';
  if (value === undefined) return undefined;
  if (value === '') return `has no value. Write ${name}, or ${name}=value for that value only.`;
  if (/\p{Cc}/u.test(value)) return 'contains a control character. Remove it.';
  if (isPromptName(name) && asksNone(value)) {
    return 'can never come from a link: it fails for everybody who is not signed in at the provider. Remove it.';
  }
  if (name === 'prompt' && !isPrompt(value)) {
    return 'is not a prompt. Write lower-case letters and _, with one space between two words, such as prompt=create.';
  }
  return undefined;
}

/** Some providers read names without regard to capital letters. */
function isPromptName(name: string): boolean {
  return name.toLowerCase() === 'prompt';
}

/** Words as providers know them, none of them `none`. */
function isPrompt(value: string): boolean {
  return value.length <= longestPrompt && /^[a-z_]+( [a-z_]+)*$/.test(value) && !asksNone(value);
}

function shown(entry: string): string {
  const visible = entry.replace(/\p{Cc}/gu, '�');
  return visible.length > 60 ? `"${visible.slice(0, 60)}…"` : `"${visible}"`;
}
