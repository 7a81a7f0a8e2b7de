import type { CheckedSite } from '../assembly.ts';
import { kitPages } from '../pages/kit-pages.ts';
import type { Page } from '../pages/page.ts';
import type { TestApp } from './app.ts';
import { homeProblems, Links } from './check-links.ts';
import { some, unmarkedForm } from './check-views.ts';
import { addressesOf, foundIn, hostileClaims } from './hostile.ts';
import { findTags, parseHtml } from './html.ts';
import type { LogLine } from './log.ts';
import { checkAccount } from './not-signed-in.ts';
import { isHtml, type TestPage } from './page.ts';
import { actionAt } from './page-actions.ts';
import type { Visitor } from './person.ts';

export interface SeenPages {
  problems: string[];
  /** Paths of pages that could not be looked at: they answered with a refusal, or with another page. */
  unseen: string[];
  /** Files that are not there, and a page that links to each. */
  missing: ReadonlyMap<string, string>;
}

/**
 * Opens every page, as somebody of each provider whose claims are hostile, and as nobody. The kit's own are printed in the
 * site's layout, and the site may have views of its own for them.
 */
export async function checkPages(app: TestApp, checked: CheckedSite): Promise<SeenPages> {
  const { pages, config } = checked;
  const visitor = app.visitor();
  const people = await signInEach(app, pages, config);
  const problems = new Map<string, Set<string>>();
  const unseen: string[] = [];
  const linked = new Map<string, string>();
  const links = new Links();
  const ofLayout = new Map<string, Set<string>>();

  function note(found: readonly string[], by: string): void {
    for (const problem of found) problems.set(problem, (problems.get(problem) ?? new Set()).add(by));
  }

  async function look(page: Page, visitor: Visitor, by: string): Promise<boolean> {
    let seen = false;
    for (const address of addressesOf(page)) {
      const answer = await visitor.get(address);
      if (!isPageItself(answer, address)) {
        note(failure(page, answer, app.log), by);
        continue;
      }
      seen = true;
      note(printedProblems(page, answer, pages), by);
      for (const lack of layoutLacks(answer)) {
        const where = `${page.path} (views/${page.view}.ejs)`;
        ofLayout.set(lack, (ofLayout.get(lack) ?? new Set()).add(where));
      }
      links.see(answer, page.path);
      for (const path of filesLinked(answer)) linked.set(path, page.path);
    }
    return seen;
  }

  for (const page of pages) {
    let seen = false;
    for (const [provider, person] of people) seen = (await look(page, person, provider)) || seen;
    if (!seen && !kitPages.includes(page)) unseen.push(page.path);
    if (page.access === 'everyone') await look(page, visitor, nobody);
    else note(await openToNobody(page, visitor), nobody);
  }
  for (const [lack, lacking] of ofLayout) note([`The page ${some([...lacking])} ${lack}`], nobody);
  const [person = visitor] = people.values();
  note([...(await homeProblems(person)), ...(await links.problems(person, checked))], nobody);
  return {
    problems: [...problems].map(([problem, by]) => problem + forWhom(by, people)),
    unseen,
    missing: await whatIsMissing(linked, person),
  };
}

/** In place of a provider's name. */
const nobody = '';

async function signInEach(
  app: TestApp,
  pages: readonly Page[],
  { providers }: CheckedSite['config'],
): Promise<ReadonlyMap<string, Visitor>> {
  const people = new Map<string, Visitor>();
  for (const { name: provider, rolesClaim = 'roles' } of providers) {
    const claims = hostileClaims(pages, rolesClaim);
    people.set(provider, await app.signIn(checkAccount, { provider, claims }));
  }
  return people;
}

/** What the users of some providers only would see. */
function forWhom(by: ReadonlySet<string>, people: ReadonlyMap<string, unknown>): string {
  if (by.has(nobody) || by.size === people.size) return '';
  return ` Users of the provider ${[...by].join(' and ')} see this.`;
}

async function whatIsMissing(
  linked: ReadonlyMap<string, string>,
  person: Visitor,
): Promise<Map<string, string>> {
  const missing = new Map<string, string>();
  for (const [path, page] of linked) {
    const { status } = await person.fetch(path, { headers: image });
    if (status === 404) missing.set(path.split('?')[0] ?? path, page);
  }
  return missing;
}

const image = { Accept: '*/*', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' };

function isPageItself({ status, headers, path }: TestPage, address: string): boolean {
  return status === 200 && isHtml(headers) && path.split('?')[0] === address.split('?')[0];
}

/** A refusal, an API that is away or a redirect is an answer. A 500 is what nobody foresaw. */
function failure({ path, view }: Page, { status }: TestPage, log: readonly LogLine[]): string[] {
  if (status !== 500) return [];
  const line = log.findLast((one) => one.status === 500 && one.causes !== undefined);
  const [cause] = (line?.causes ?? []) as { name: string; message: string }[];
  const what = cause ? `: ${cause.name}: ${cause.message.trim()}` : '';
  return [`The page ${path} (views/${view}.ejs) answers 500${what}. ${whatToDo(path, cause)}`];
}

function whatToDo(path: string, cause: { name: string; message: string } | undefined): string {
  const [, unknown] =
    /(\w+) is not defined/.exec(cause?.name === 'ReferenceError' ? cause.message : '') ?? [];
  if (unknown !== undefined)
    return `A view prints what the model returned as page.${unknown}; elsewhere, import or declare it.`;
  if (path.includes(':')) return 'Where the address leads nowhere, its model throws notFound().';
  return 'Its model or view must take any user and any query.';
}

function printedProblems({ path, view }: Page, { body }: TestPage, pages: readonly Page[]): string[] {
  const about = `The page ${path} (views/${view}.ejs)`;
  const html = parseHtml(body);
  const headings = findTags(html, 'h1').length;
  const raw = foundIn(body);
  return [
    ...(raw ? [`${about} prints ${raw} without escaping. Use <%= … %>, and links of https only.`] : []),
    ...(headings === 1 ? [] : [`${about} has ${headings} <h1>. Give it one, which says what the page is.`]),
    ...findTags(html, 'form').flatMap((form) => {
      const { method = '', action = '' } = form.attributes;
      const marked = findTags(form, 'input').some(({ attributes }) => attributes.name === 'kit-form');
      const target = method.toLowerCase() === 'post' && !marked ? actionAt(pages, action) : undefined;
      return target ? [unmarkedForm(`views/${view}.ejs`, target)] : [];
    }),
  ];
}

/** What is the same on many pages. */
function layoutLacks({ body }: TestPage): string[] {
  const html = parseHtml(body);
  const [root] = findTags(html, 'html');
  const [title] = findTags(html, 'title');
  return [
    ...(title?.children.join('').trim() ? [] : ['has no <title>. The layout prints page.title.']),
    ...(root?.attributes.lang ? [] : ['does not say its language: <html lang="<%= page.lang %>">.']),
  ];
}

/** The app's own files and images that the page has the browser load. */
function filesLinked({ body, url }: TestPage): string[] {
  const html = parseHtml(body);
  const links = findTags(html, 'link').filter(({ attributes }) =>
    /stylesheet|icon|manifest|preload/.test(attributes.rel ?? ''),
  );
  const addresses = [
    ...links.map(({ attributes }) => attributes.href),
    ...findTags(html, 'script', 'img', 'source', 'audio', 'video', 'track').map(
      ({ attributes }) => attributes.src,
    ),
  ];
  return addresses.flatMap((address) => {
    const target = address ? URL.parse(address, url) : null;
    return target?.origin === new URL(url).origin ? [target.pathname + target.search] : [];
  });
}

/** The kit sees to it; this sees to the kit. */
async function openToNobody(page: Page, visitor: Visitor): Promise<string[]> {
  const [address = page.path] = addressesOf(page);
  return isRefusal(await visitor.get(address))
    ? []
    : [`The page ${page.path}: it is not for everyone, and shows itself to somebody who is not signed in.`];
}

/** A sign-in, or a 401 or 403. */
export function isRefusal({ status, asksToSignIn, path }: TestPage): boolean {
  return asksToSignIn || status === 401 || status === 403 || path.startsWith('/auth/login');
}
