import type { TypedValue } from './fields.ts';
import { readField } from './forms.ts';
import { type Element, findAll, findTags, parseHtml, textOf } from './html.ts';

/** An answer of the app, as a person sees it. */
export interface TestPage {
  status: number;
  /** Where it came from, after redirects. */
  url: string;
  /** The same without the app's origin: `/notes?page=2`. */
  path: string;
  headers: Headers;
  body: string;
  /** What a person reads on it: in `<main>`, where there is one. */
  text: string;
  /** Its `<h1>`; empty where there is none. */
  heading: string;
  /** Its `<title>`. */
  title: string;
  links: readonly { name: string; href: string }[];
  /** What was wrong with a form, by field name: the messages of `/kit/error`. */
  errors: Readonly<Record<string, string>>;
  /** What was said once, after an action (`say`); empty where nothing was. */
  said: string;
  /**
   * What a field of the page's form holds, as `submit` takes it.
   *
   * @param form its button, label, id or address, where several forms have such a field
   */
  field(name: string, form?: string): TypedValue;
  /** Where the answer leads, where it was not followed. */
  location: string | undefined;
  /**
   * True where it leads to an identity provider, and nobody is signed in there in this browser, or it is away; and on the
   * page that asks at which provider.
   */
  asksToSignIn: boolean;
  /** The body, read as JSON. */
  json(): unknown;
}

export interface Answer {
  status: number;
  url: string;
  headers: Headers;
  body: string;
  /** By redirect or by a refresh without delay, made absolute. */
  location: string | undefined;
}

export function createPage(
  answer: Answer,
  { origin, issuers }: { origin: string; issuers: readonly string[] },
): TestPage {
  const { body, url, location } = answer;
  const html = parseHtml(isHtml(answer.headers) ? body : '');
  const first = (tag: string) => findTags(html, tag)[0];
  const [title, h1] = [first('title'), first('h1')];
  const path = url.startsWith(origin) ? url.slice(origin.length) || '/' : url;
  const links = findTags(html, 'a').map((link) => ({
    name: textOf(link),
    href: link.attributes.href ?? '',
  }));
  return {
    ...answer,
    path,
    text: textOf(first('main') ?? html),
    heading: h1 ? textOf(h1) : '',
    title: title ? title.children.join('').trim() : '',
    links,
    errors: errorsIn(html),
    said: findAll(html, hasClass('said')).map(textOf)[0] ?? '',
    field: (name, form) => readField(html, name, form),
    asksToSignIn:
      issuers.some((issuer) => location?.startsWith(`${issuer}/authorize`)) || isChooser(path, links),
    json: () => JSON.parse(body),
  };
}

/** With several providers, `/auth/login` links to each. */
function isChooser(path: string, links: TestPage['links']): boolean {
  return path.split('?')[0] === '/auth/login' && links.some(({ href }) => href.startsWith('/auth/login/'));
}

function errorsIn(html: Element): Record<string, string> {
  const messages = findAll(html, hasClass('error')).filter(({ attributes }) =>
    attributes.id?.endsWith('-error'),
  );
  return Object.fromEntries(
    messages.map((message) => [message.attributes.id?.slice(0, -'-error'.length) ?? '', textOf(message)]),
  );
}

const hasClass =
  (name: string) =>
  ({ attributes }: Element) =>
    attributes.class?.split(/\s+/).includes(name) ?? false;

/** Where `<meta http-equiv="refresh" content="0; url=…">` leads at once. */
export function refreshTarget(headers: Headers, body: string): string | undefined {
  if (!isHtml(headers)) return undefined;
  const refresh = findTags(parseHtml(body), 'meta').find(
    ({ attributes }) => attributes['http-equiv']?.toLowerCase() === 'refresh',
  );
  return /^0;\s*url=(.*)$/i.exec(refresh?.attributes.content ?? '')?.[1];
}

export function isHtml(headers: Headers): boolean {
  return /^text\/html\b/.test(headers.get('content-type') ?? '');
}

/** What a page of a signed-in person carries for its scripts (`<meta name="kit-form">`). */
export function markOn(body: string): string | undefined {
  return findTags(parseHtml(body), 'meta').find(({ attributes }) => attributes.name === 'kit-form')
    ?.attributes.content;
}
