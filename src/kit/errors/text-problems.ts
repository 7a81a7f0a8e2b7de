import { nearest } from '../config/nearest.ts';
import { texts } from './texts.ts';
import { isLanguageTag } from './words.ts';

/** What is wrong with the `texts` of a site, each a sentence with what to do. */
export function textProblems(given: unknown): string[] {
  if (given === undefined) return [];
  if (!isPlainObject(given)) {
    return ["`texts` must be an object of languages: { de: { 'signed-out.title': 'Bis bald' } }."];
  }
  const tags = Object.keys(given);
  return tags.flatMap((tag, index) => {
    const twice = tags.slice(0, index).find((other) => other.toLowerCase() === tag.toLowerCase());
    if (twice !== undefined) return `\`texts\` has the language "${tag}" twice. Put both into one.`;
    if (!isLanguageTag(tag)) {
      return `\`texts\`: "${shown(tag)}" is no language tag. Write one such as de or pt-BR.`;
    }
    const own = given[tag];
    if (!isPlainObject(own)) return `\`texts.${tag}\` must be an object of texts by their keys.`;
    return Object.entries(own).flatMap(([key, text]) =>
      problemsOf(key, text).map((problem) => `\`texts.${tag}\`: ${problem}`),
    );
  });
}

const keys: ReadonlySet<string> = new Set(Object.keys(texts));

function problemsOf(key: string, text: unknown): string[] {
  const model = modelOf(key);
  if (model === undefined) {
    const near = nearest(key, keys);
    const help = near ? `Did you mean "${near}"?` : 'docs/texts.md lists the keys.';
    return [`the kit has no text "${shown(key)}". ${help}`];
  }
  const list = typeof model !== 'string';
  if (!isSaid(text) && !(list && Array.isArray(text) && text.every(isSaid))) {
    return [`"${key}" must be a string that is not empty${list ? ', or a list of such strings' : ''}.`];
  }
  const known = placeholdersOf(model);
  return placeholdersIn(text as string | string[])
    .filter((name) => !known.includes(name))
    .map((name) => {
      const may = known.map((each) => `{${each}}`).join(', ');
      return `"${key}" has no {${shown(name)}} to fill in. ${may ? `It may use ${may}.` : 'Take it out.'}`;
    });
}

/** Whether there is such a provider is not asked: one deployment has others than the next. */
const labelKey = /^provider\.([^.]+)\.label$/;

/** The English text; for a form that English has not, such as `….few`, that of `….other`. */
function modelOf(key: string): string | readonly string[] | undefined {
  if (labelKey.test(key)) return '';
  const like = keys.has(key) ? key : key.replace(/\.(zero|two|few|many)$/, '.other');
  return keys.has(like) ? texts[like as keyof typeof texts] : undefined;
}

function isSaid(text: unknown): text is string {
  return typeof text === 'string' && text.trim() !== '';
}

/** Where a sentence of another language does not begin with the provider, `{provider}` stands for `{Provider}`. */
function placeholdersOf(model: string | readonly string[]): string[] {
  const names = placeholdersIn(model);
  const both = names.some((name) => /^provider$/i.test(name)) ? ['provider', 'Provider'] : [];
  return [...new Set([...names, ...both])];
}

function placeholdersIn(text: string | readonly string[]): string[] {
  const names = [text]
    .flat()
    .flatMap((each) => [...each.matchAll(/\{(\w*)\}/g)].map(([, name]) => name ?? ''));
  return [...new Set(names)];
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As it may stand in a sentence. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 60)).slice(1, -1);
}
