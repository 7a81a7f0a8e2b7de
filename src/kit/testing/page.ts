import { findTags, parseHtml, textOf } from './html.ts';

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
  /** Where the answer leads, where it was not followed. */
  location: string | undefined;
  /** True where it leads to the identity provider, and nobody is signed in there in this browser. */
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

export function createPage(answer: Answer, { origin, issuer }: { origin: string; issuer: string }): TestPage {
  const { body, url, location } = answer;
  const html = parseHtml(isHtml(answer.headers) ? body : '');
  const first = (tag: string) => findTags(html, tag)[0];
  const [title, h1] = [first('title'), first('h1')];
  return {
    ...answer,
    path: url.startsWith(origin) ? url.slice(origin.length) || '/' : url,
    text: textOf(first('main') ?? html),
    heading: h1 ? textOf(h1) : '',
    title: title ? title.children.join('').trim() : '',
    links: findTags(html, 'a').map((link) => ({ name: textOf(link), href: link.attributes.href ?? '' })),
    asksToSignIn: location?.startsWith(`${issuer}/authorize`) ?? false,
    json: () => JSON.parse(body),
  };
}

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
