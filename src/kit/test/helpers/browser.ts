import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface Page {
  /** The address this answer came from, after redirects. */
  url: string;
  status: number;
  headers: Headers;
  body: string;
  /** Where the answer leads, by redirect or by a refresh without delay, made absolute; undefined when it leads nowhere. */
  location: string | undefined;
}

export interface Visit {
  /** Follow redirects (the default), none, or those to addresses it says yes to. */
  follow?: boolean | ((url: string) => boolean);
  headers?: Record<string, string>;
}

export type Browser = ReturnType<typeof createBrowser>;

/**
 * A person's browser without the screen: keeps cookies by host as browsers do (ports do not count),
 * follows redirects by hand, sends what a browser sends when somebody opens a page or posts a form.
 */
export function createBrowser({
  ca,
  headers: always = {},
}: {
  ca?: string;
  headers?: Record<string, string>;
} = {}) {
  const cookies: Cookie[] = [];
  const setCookies: { url: string; line: string }[] = [];
  const visited: string[] = [];

  /** `chain`: the page that led here, if one did, and the redirects since. A typed address has none. */
  async function open(
    method: string,
    url: string,
    form: Fields | undefined,
    visit: Visit,
    chain: string[] = [],
  ): Promise<Page> {
    const { follow = true } = visit;
    const follows = typeof follow === 'function' ? follow : () => follow;
    let page = await send(method, url, form, visit, chain);
    for (let hop = 0; page.location && follows(page.location); hop++) {
      if (hop === 20) throw new Error(`too many redirects, the last to ${page.location}`);
      // A refresh is a new navigation, begun by the page that holds it.
      if (!page.headers.has('location')) chain = [page.url];
      else if (chain.length > 0) chain.push(page.url);
      page = await send('GET', page.location, undefined, visit, chain);
    }
    return page;
  }

  async function send(
    method: string,
    url: string,
    form: Fields | undefined,
    visit: Visit,
    chain: string[],
  ): Promise<Page> {
    const target = new URL(url);
    visited.push(`${method} ${url}`);
    const site = fetchSite(target, chain);
    const cookie = cookieHeader(target, site === 'cross-site' ? method : undefined);
    const headers: Record<string, string> = {
      Accept: 'text/html,application/xhtml+xml',
      'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
      'Sec-Fetch-Site': site,
      ...(method === 'POST' && { Origin: new URL(chain[0] ?? url).origin }),
      ...(cookie && { Cookie: cookie }),
      ...always,
      ...visit.headers,
    };
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    if (body !== undefined) headers['Content-Type'] ??= 'application/x-www-form-urlencoded';
    const answer = await exchange(target, method, headers, body, ca);
    for (const line of answer.headers.getSetCookie()) {
      setCookies.push({ url, line });
      keepCookie(target, line);
    }
    const location = answer.headers.get('location') ?? refreshTarget(answer.body);
    return { ...answer, url, location: location === undefined ? undefined : new URL(location, url).href };
  }

  /** From another site a Lax cookie comes with links only, a Strict one not at all. */
  function cookieHeader({ hostname, pathname, protocol }: URL, crossSiteMethod?: string): string {
    const withheld = { GET: ['strict'], POST: ['strict', 'lax'] }[crossSiteMethod ?? ''] ?? [];
    return cookies
      .filter(({ host, expires }) => host === hostname && expires > Date.now())
      .filter(({ secure, sameSite }) => (!secure || protocol === 'https:') && !withheld.includes(sameSite))
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  function keepCookie({ hostname, pathname }: URL, line: string): void {
    const cookie = parseCookie(hostname, pathname, line);
    // Browsers throw these away; a test that kept them would show a sign-in that no browser can do.
    if (cookie.sameSite === 'none' && !cookie.secure) return;
    const same = cookies.findIndex(
      ({ host, name, path }) => host === hostname && name === cookie.name && path === cookie.path,
    );
    if (same >= 0) cookies.splice(same, 1);
    if (cookie.expires > Date.now()) cookies.push(cookie);
  }

  return {
    get: (url: string, visit: Visit = {}) => open('GET', url, undefined, visit),
    /** Any method, without a body. */
    request: (method: string, url: string, visit: Visit = {}) => open(method, url, undefined, visit, [url]),
    /** `from` is the address of the page whose form is posted; by default the target's own origin. */
    post: (url: string, form: Fields = {}, visit: Visit = {}, from = url) =>
      open('POST', url, form, visit, [from]),
    /** Posts the form of a page with the fields it holds, changed or completed by `fields`. */
    submit(page: Page, fields: Record<string, string> = {}, visit: Visit = {}) {
      const { action, inputs } = readForm(page);
      return open('POST', action, { ...inputs, ...fields }, visit, [page.url]);
    },
    cookie: (name: string) => cookies.find((one) => one.name === name)?.value,
    /** Puts a cookie in, as an attacker or an old tab would have it. */
    setCookie(origin: string, line: string) {
      keepCookie(new URL('/', origin), line);
    },
    cookieHeader: (url: string) => cookieHeader(new URL(url)),
    clearCookies: () => cookies.splice(0),
    cookies,
    /** Every Set-Cookie line that any answer had. */
    setCookies,
    /** Every request, such as `GET http://…`. */
    visited,
  };
}

interface Cookie {
  host: string;
  name: string;
  value: string;
  path: string;
  secure: boolean;
  sameSite: string;
  expires: number;
}

type Fields = Record<string, string> | [string, string][];

/** The first form of a page that is posted, with its hidden fields. */
export function readForm({ url, body }: Page): { action: string; inputs: Record<string, string> } {
  const form = body.match(/<form[^>]*method="post"[^>]*>[\s\S]*?<\/form>/i)?.[0];
  if (!form) throw new Error(`no form on ${url}:\n${body.slice(0, 2_000)}`);
  const action = new URL(unescapeHtml(attribute(form, 'action') ?? ''), url).href;
  const inputs = [...form.matchAll(/<input[^>]*type="hidden"[^>]*>/gi)].map(([input]) => [
    unescapeHtml(attribute(input, 'name') ?? ''),
    unescapeHtml(attribute(input, 'value') ?? ''),
  ]);
  return { action: action || url, inputs: Object.fromEntries(inputs) };
}

/** The field by which a form says whose page it stands on, as the page holds it for its scripts. */
export function markOn({ url, body }: Page): { 'kit-form': string } {
  const mark = body.match(/<meta name="kit-form" content="([^"]+)">/)?.[1];
  if (!mark) throw new Error(`nobody's page: ${url}:\n${body.slice(0, 2_000)}`);
  return { 'kit-form': mark };
}

/** Where `<meta http-equiv="refresh" content="0; url=…">` leads at once (R16). */
function refreshTarget(body: string): string | undefined {
  const content = body.match(/<meta http-equiv="refresh" content="0; ?url=([^"]*)"/i)?.[1];
  return content === undefined ? undefined : unescapeHtml(content);
}

function attribute(tag: string, name: string): string | undefined {
  return tag.match(new RegExp(`\\s${name}="([^"]*)"`, 'i'))?.[1];
}

function unescapeHtml(text: string): string {
  const names: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|#34|#39|amp);/g, (_, name: string) => names[name] ?? '');
}

function parseCookie(host: string, pathname: string, line: string): Cookie {
  const [pair = '', ...attributes] = line.split(/;\s*/);
  const [name = '', ...value] = pair.split('=');
  const details = new Map(
    attributes.map((one) => [one.split('=')[0]?.toLowerCase(), one.split('=')[1] ?? '']),
  );
  const maxAge = details.get('max-age');
  const expires = details.get('expires');
  return {
    host,
    name,
    value: value.join('='),
    path: details.get('path') ?? (pathname.replace(/\/[^/]*$/, '') || '/'),
    secure: details.has('secure'),
    sameSite: details.get('samesite')?.toLowerCase() ?? 'lax',
    expires:
      maxAge !== undefined ? Date.now() + Number(maxAge) * 1000 : expires ? Date.parse(expires) : Infinity,
  };
}

/** Fetch Metadata: the worst that any step of the way was to where it leads now. */
function fetchSite(target: URL, chain: string[]): string {
  if (chain.length === 0) return 'none';
  const steps = chain.map((one) => new URL(one));
  if (steps.every(({ origin }) => origin === target.origin)) return 'same-origin';
  const sameSite = steps.every(
    ({ hostname, protocol }) => hostname === target.hostname && protocol === target.protocol,
  );
  return sameSite ? 'same-site' : 'cross-site';
}

function exchange(target: URL, method: string, headers: Record<string, string>, body?: string, ca?: string) {
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise<{ status: number; headers: Headers; body: string }>((resolve, reject) => {
    const req = send(target, { method, headers, agent: false, ...(ca && { ca }) }, (res) => {
      const answered = new Headers();
      for (let i = 0; i < res.rawHeaders.length; i += 2) {
        answered.append(res.rawHeaders[i] ?? '', res.rawHeaders[i + 1] ?? '');
      }
      let text = '';
      res.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: answered, body: text }));
      res.on('error', reject);
    });
    req.on('error', reject).end(body);
  });
}
