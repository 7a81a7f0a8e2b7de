import type { Folders } from '../folders.ts';
import { listFiles } from '../http/assets.ts';
import type { Page } from '../pages/page.ts';
import { actionAt } from './page-actions.ts';
import { expand, isText, readViews, shownInBrowser, type ViewFile } from './view-files.ts';

/** What takes the place of what a view prints, and for the mark of a form. No view holds these. */
export const printed = '\u0001';
const formMark = '\u0002';

/**
 * What is wrong with the views themselves: what would be printed as it is, what the content security policy blocks, forms
 * that the kit refuses, and layouts that leave out what the kit needs.
 *
 * @param sources the origins that the site's `contentSecurityPolicy` adds
 */
export function viewProblems(folders: Folders, pages: readonly Page[], sources: readonly string[]): string[] {
  const views = readViews(folders.views[0] ?? '');
  const files = new Set(listFiles(folders.public).map(({ path }) => path));
  const inBrowser = shownInBrowser(views, folders, pages);
  return [
    ...views.flatMap(rawOutput),
    ...inBrowser.flatMap((view) => [
      ...blockedMarkup(view, sources),
      ...missingFiles(view, files),
      ...unmarkedForms(view, folders, pages),
    ]),
    ...layoutProblems(views, folders, pages),
  ];
}

function rawOutput({ name, view, text }: ViewFile): string[] {
  if (isText(view)) return [];
  return [...text.matchAll(/<%-([\s\S]*?)[-_]?%>/g)]
    .filter(([, code = '']) => !onlyInclude.test(code))
    .map(
      ({ index }) =>
        `${name}:${lineOf(text, index)}: <%- prints without escaping. Use <%= … %>; <%- is for include alone.`,
    );
}

/** One call of include, whatever it is handed. */
const onlyInclude = /^\s*include\((?:[^()'"`]|'[^']*'|"[^"]*"|`[^`]*`|\([^()]*\))*\)\s*;?\s*$/;

function blockedMarkup({ name, text }: ViewFile, sources: readonly string[]): string[] {
  const html = withPlaceholders(text);
  return [...html.matchAll(tags)].flatMap(({ index, 1: tag = '', 2: rest = '' }) =>
    tagProblems(tag.toLowerCase(), attributesIn(rest), sources).map(
      (problem) => `${name}:${lineOf(html, index)}: ${problem}`,
    ),
  );
}

/** Each tag and its attributes, in a text `withPlaceholders`. */
export const tags = /<([a-z][\w-]*)((?:"[^"]*"|'[^']*'|[^"'>])*)>/gi;

interface Attribute {
  name: string;
  value: string;
  quoted: boolean;
}

export function attributesIn(rest: string): Attribute[] {
  return [...rest.matchAll(/([^\s"'=/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/g)].map(
    ([, name = '', double, single, bare]) => ({
      name: name.toLowerCase(),
      value: double ?? single ?? bare ?? '',
      quoted: bare === undefined,
    }),
  );
}

function tagProblems(tag: string, attributes: Attribute[], sources: readonly string[]): string[] {
  const value = (name: string) => attributes.find((one) => one.name === name)?.value;
  const problems: string[] = [];
  if (tag === 'script' && value('src') === undefined && !/json/.test(value('type') ?? '')) {
    problems.push(
      "inline scripts are blocked. Put it into a file in public/, and name it as the page's `script`.",
    );
  }
  if (tag === 'style' || value('style') !== undefined) {
    problems.push('inline styles are blocked. Give it a class, and style that in public/site.css.');
  }
  for (const { name, value, quoted } of attributes) {
    if (/^on[a-z]+$/.test(name)) {
      problems.push(`${name}="…" is blocked. Add the listener in a script of the page's own (\`script\`).`);
    }
    if (/^\s*javascript:/i.test(value))
      problems.push(`${name}="javascript:…" is blocked. Use a button and a script.`);
    if (!quoted && value.includes(printed)) {
      problems.push(`${name}=<%= … %> needs quotes: without them, what is printed can add attributes.`);
    }
    if (loads(tag, name, value, attributes) && !sources.includes(originOf(value))) {
      problems.push(
        `${name}="${shown(value)}" is of another host, which is blocked. Put the file into public/, or add its origin to contentSecurityPolicy in site.ts.`,
      );
    }
  }
  return problems;
}

/** True for an address of another host which the browser would load, or send a form to. A link to it is no matter. */
function loads(tag: string, name: string, value: string, attributes: Attribute[]): boolean {
  if (!/^\s*(https?:)?\/\//i.test(value)) return false;
  if (tag === 'link' && name === 'href') {
    const rel = attributes.find((one) => one.name === 'rel')?.value ?? '';
    return /\b(stylesheet|icon|manifest|preload|modulepreload|prefetch)\b/i.test(rel);
  }
  return /^(src|srcset|poster|data|action|formaction)$/.test(name);
}

function originOf(address: string): string {
  return URL.parse(address.trim().replace(/^\/\//, 'https://'))?.origin ?? '';
}

function missingFiles({ name, text }: ViewFile, files: ReadonlySet<string>): string[] {
  return [...text.matchAll(/page\.asset\(\s*(['"`])([^'"`$]+)\1\s*\)/g)]
    .filter(([, , path = '']) => !files.has(path))
    .map(({ index, 2: path }) => `${name}:${lineOf(text, index)}: there is no file public${path}.`);
}

/** An action takes a form only from its person's own page (DESIGN §3). */
function unmarkedForms(view: ViewFile, folders: Folders, pages: readonly Page[]): string[] {
  const text = view.text.replace(/<%-\s*include\([\s\S]*?%>/g, (tag) =>
    hasFormMark(expand({ view: view.view, text: tag }, folders.views)) ? "<%- include('/kit/form') %>" : tag,
  );
  const html = withPlaceholders(text);
  const forms = html.matchAll(/<form\b((?:"[^"]*"|'[^']*'|[^"'>])*)>([\s\S]*?)(?=<\/form|<form\b|$)/gi);
  return [...forms].flatMap(([, rest = '', inside = '']) => {
    const attributes = attributesIn(rest);
    const value = (name: string) => attributes.find((one) => one.name === name)?.value ?? '';
    if (value('method').toLowerCase() !== 'post' || inside.includes(formMark)) return [];
    const action = actionAt(pages, value('action').replaceAll(printed, ':'));
    return action ? [unmarkedForm(view.name, action)] : [];
  });
}

export function unmarkedForm(view: string, action: string): string {
  return `${view}: the form that posts to ${action} will be refused. Write <%- include('/kit/form') %> inside it.`;
}

/** Without the kit's three partials there are no styles, no way to sign in and no notice before a session ends. */
function layoutProblems(views: readonly ViewFile[], folders: Folders, pages: readonly Page[]): string[] {
  const own = views.filter(({ view }) => pages.some((page) => page.view === view));
  const byLack = Map.groupBy(own, (view) => lackingParts(expand(view, folders.views)).join(', '));
  byLack.delete('');
  return [...byLack].map(
    ([parts, lacking]) =>
      `${some(lacking.map(({ name }) => name))} lacks ${parts}. Begin it with <%- include('/partials/top') %> and end it with <%- include('/partials/bottom') %>, or add what is missing to the layout.`,
  );
}

function lackingParts(text: string): string[] {
  const has = (partial: string) => new RegExp(`<%-\\s*include\\(\\s*['"\`]${partial}['"\`]`).test(text);
  const header = has('/kit/who') || has('/kit/said') ? ['/kit/who', '/kit/said'] : ['/kit/header'];
  return ['/kit/head', ...(has('/kit/header') ? [] : header), '/kit/foot']
    .filter((partial) => !has(partial))
    .map((partial) => `<%- include('${partial}') %>`);
}

/** The first one, and how many more. */
export function some(names: readonly string[]): string {
  const [first = '', ...others] = new Set(names);
  return others.length === 0 ? first : `${first}, like ${others.length} more,`;
}

/** What is printed, and the mark of a form, by one character each; the rest of EJS is code. Lines stay. */
export function withPlaceholders(text: string): string {
  return text.replace(/<%([=-]?)([\s\S]*?)%>/g, (tag, kind: string, code: string) => {
    const lines = tag.replace(/[^\n]/g, '');
    if (hasFormMark(`<%${kind}${code}`)) return formMark + lines;
    return (kind === '' ? '' : printed) + lines;
  });
}

function hasFormMark(text: string): boolean {
  return /<%-\s*include\(\s*['"`]\/kit\/form['"`]/.test(text);
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function shown(value: string): string {
  return value.replaceAll(printed, '…').slice(0, 80);
}
