import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  url: string;
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** Status line and headers as they came over the wire. */
  headerBytes: number;
}

/** A person with a browser: keeps cookies, follows redirects, opens pages as Chromium does. */
export class Browser {
  readonly #home: string;
  readonly #cookies = new Map<string, string>();
  readonly #address = someAddress();

  /**
   * Cookies are kept for this origin only: the provider's stub sets none.
   *
   * @param cookie of somebody who is signed in
   */
  constructor(home: string, cookie?: string) {
    this.#home = home;
    if (cookie !== undefined) this.#keep([cookie]);
  }

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Opens a page and goes wherever it leads. */
  async open(url: string): Promise<Answer> {
    return this.#follow(await this.send('GET', url));
  }

  /** Sends a form of the app's own page and goes wherever it leads. */
  async submit(url: string, form: Record<string, string> = {}): Promise<Answer> {
    return this.#follow(await this.send('POST', url, new URLSearchParams(form).toString()));
  }

  /** One request, one answer; a GET is sent again where the server closed a kept connection in that moment. */
  async send(method: string, url: string, form?: string): Promise<Answer> {
    try {
      return await this.#exchange(method, url, form);
    } catch (error) {
      if (method !== 'GET' || !(error as { reusedSocket?: boolean }).reusedSocket) throw error;
      return this.#exchange(method, url, form);
    }
  }

  #exchange(method: string, url: string, form: string | undefined): Promise<Answer> {
    const ours = url.startsWith(this.#home);
    const headers: Record<string, string> = { ...navigation, 'x-forwarded-for': this.#address };
    if (ours && this.#cookies.size > 0) headers.cookie = this.cookie;
    if (form !== undefined) {
      headers['content-type'] = 'application/x-www-form-urlencoded';
      headers['content-length'] = String(Buffer.byteLength(form));
      headers.origin = this.#home;
      headers['sec-fetch-site'] = 'same-origin';
    }
    return new Promise((resolve, reject) => {
      const req = request(url, { method, headers, agent }, (res) => {
        let body = '';
        res.setEncoding('utf8');
        res.on('data', (chunk) => (body += chunk));
        res.on('error', reject);
        res.on('end', () => {
          if (ours) this.#keep(res.headers['set-cookie'] ?? []);
          const headerBytes = headerBytesOf(res.statusCode ?? 0, res.statusMessage ?? '', res.rawHeaders);
          resolve({ url, status: res.statusCode ?? 0, headers: res.headers, body, headerBytes });
        });
      });
      req.on('error', (error) => reject(Object.assign(error, { reusedSocket: req.reusedSocket })));
      req.end(form);
    });
  }

  async #follow(answer: Answer): Promise<Answer> {
    let last = answer;
    for (let hop = 0; hop < 10; hop += 1) {
      const next = last.headers.location ?? refreshOf(last.body);
      if (next === undefined) break;
      last = await this.send('GET', new URL(next, last.url).href);
    }
    return last;
  }

  #keep(lines: string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';');
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      if (value === '' || attributes.some((each) => isOver(each.trim()))) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}

/** Auth.js wants a form with its own token first, whatever page one came from. */
export async function signInWithAuthJs(browser: Browser, origin: string): Promise<void> {
  const { csrfToken } = JSON.parse((await browser.open(`${origin}/auth/csrf`)).body);
  await browser.submit(`${origin}/auth/signin/bench`, { csrfToken, callbackUrl: `${origin}/profile` });
}

/** What a browser says when a person opens a page. */
export const navigation = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-language': 'en-GB,en;q=0.9',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'none',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
};

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** All browsers of the bench share their connections; this closes them. */
export function closeConnections(): void {
  agent.destroy();
}

/** Rate limits count addresses; a thousand people do not share one. */
function someAddress(): string {
  const byte = () => Math.floor(Math.random() * 256);
  return `10.${byte()}.${byte()}.${byte()}`;
}

/** Where a page leads at once by itself: the one after a form that goes on at the provider. */
function refreshOf(body: string): string | undefined {
  const [, address] = /<meta http-equiv="refresh" content="0; url=([^"]*)"/.exec(body) ?? [];
  return address?.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
}

function isOver(attribute: string): boolean {
  const [name = '', value = ''] = attribute.split('=');
  if (name.toLowerCase() === 'max-age') return Number(value) <= 0;
  return name.toLowerCase() === 'expires' && Date.parse(value) <= Date.now();
}

function headerBytesOf(status: number, message: string, rawHeaders: string[]): number {
  const line = `HTTP/1.1 ${status} ${message}\r\n`.length;
  // Each name and value brings two more bytes (": " or CRLF); one empty line ends them all.
  return rawHeaders.reduce((sum, each) => sum + Buffer.byteLength(each, 'latin1') + 2, line + 2);
}
