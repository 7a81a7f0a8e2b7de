import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestListener, request } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { Person, TestApp, TestAppOptions } from '../../testing/index.ts';
import { type ScriptedApi, startScriptedApi } from './lying-api.ts';
import { anyPage, type SmallSite, smallSite } from './small-site.ts';
import { startForTest } from './test-app.ts';

/** What a browser says when a script of our own pages asks. `undefined` takes one out. */
export const scripted: Headers = {
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Dest': 'empty',
};

type Headers = Record<string, string | string[] | undefined>;

export interface Sent {
  method?: string;
  path?: string;
  headers?: Headers;
  body?: string | Buffer;
  agent?: Agent;
}

export interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Somebody who is signed in, as their browser's requests say. */
export interface Caller {
  person: Person;
  cookie: string;
  mark: string;
  /** Sends a request as a script of ours, with its mark unless `Kit-Form` is given, and reads the answer whole. */
  send(sent?: Sent): Promise<Answered>;
  /** The same, with the answer as it comes. */
  open(sent?: Sent): Promise<IncomingMessage>;
}

export interface Proxied {
  app: TestApp;
  api: ScriptedApi;
  caller(account?: string, provider?: string): Promise<Caller>;
}

export const proxyPath = '/api/notes';

export interface ProxiedOptions extends Partial<TestAppOptions> {
  answer?: RequestListener;
  /** How the API is named in site.ts besides its address. */
  as?: object;
  /** Does the API look at bodies? */
  reads?: boolean;
  /** Where the API is, if the test has one of its own. */
  url?: string;
  site?: never;
  small?: SmallSite;
}

/** A small app with one API behind `/api/notes`; `/cookie` says what the browser sent. */
export async function startProxied({
  answer,
  as = {},
  reads = true,
  url,
  small = {},
  ...options
}: ProxiedOptions = {}): Promise<Proxied> {
  const api = await startScriptedApi(answer, { reads });
  const apis = () => ({ notes: { url: url ?? api.url, proxy: proxyPath, ...as } });
  const routes = (router: { get: (path: string, ...handlers: unknown[]) => void }) =>
    router.get('/cookie', (req: IncomingMessage, res: { json(it: unknown): void }) =>
      res.json(req.headers.cookie),
    );
  const pages = [anyPage({ path: '/mine', view: 'mine' }), ...(small.pages ?? [])];
  const site = smallSite({
    ...small,
    views: { mine: '<h1>Mine</h1>', ...small.views },
    pages,
    more: { apis, routes, ...small.more } as never,
  });
  const app = await startForTest({ ...site, ...options });
  return {
    app,
    api,
    async caller(account = 'alice', provider) {
      const person = await app.signIn(account, { path: '/mine', ...(provider && { provider }) });
      return createCaller(app.url, person);
    },
  };
}

export async function createCaller(origin: string, person: Person): Promise<Caller> {
  const cookie = JSON.parse((await person.fetch('/cookie')).body) as string;
  const [, mark = ''] = /<meta name="kit-form" content="([^"]+)"/.exec(person.page.body) ?? [];
  expect(mark, 'the page has a mark').not.toBe('');
  const open = (sent: Sent = {}) =>
    openRequest(origin, {
      ...sent,
      headers: { ...scripted, Cookie: cookie, 'Kit-Form': mark, ...sent.headers },
    });
  return { person, cookie, mark, open, send: async (sent) => readAnswer(await open(sent)) };
}

/** By node:http, which sends what only a browser may say. The path goes out as it is given. */
export function openRequest(
  origin: string,
  { method = 'GET', path = proxyPath, headers = {}, body, agent }: Sent,
): Promise<IncomingMessage> {
  const { hostname: host, port } = new URL(origin);
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, method, path, agent: agent ?? false, headers: given as never });
    outgoing.once('response', resolve).once('error', reject).end(body);
  });
}

/** A request whose body the test writes piece by piece. */
export function openUpload(origin: string, { cookie, mark }: Caller, headers: Record<string, string> = {}) {
  const { hostname: host, port } = new URL(origin);
  const all = { ...scripted, Cookie: cookie, 'Kit-Form': mark, ...headers } as Record<string, string>;
  const outgoing = request({ host, port, method: 'POST', path: proxyPath, headers: all, agent: false });
  const answer = once(outgoing, 'response').then(([message]) => message as IncomingMessage);
  answer.catch(() => {});
  outgoing.on('error', () => {});
  return { outgoing, answer };
}

/** The next piece of an answer. */
export const nextPiece = async (message: IncomingMessage) => String((await once(message, 'data'))[0]);

export async function readAnswer(message: IncomingMessage): Promise<Answered> {
  const { statusCode = 0, headers } = message;
  return { status: statusCode, headers, body: (await buffer(message)).toString('latin1') };
}

/** One connection that is used again, so that what one answer leaves behind spoils the next. */
export function oneConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** Sends bytes as they are, and returns what came until the other side closed. */
export async function sendRaw(origin: string, lines: readonly string[], body = ''): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('latin1').on('data', (text) => {
    answer += text;
  });
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`, 'latin1');
  await closed;
  return answer;
}

/** What each answer at a proxy's address has, refusals too. */
export function expectInert({ headers }: Pick<Answered, 'headers'>): void {
  expect(headers['content-security-policy']).toBe('sandbox');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['cache-control']).toBe('no-store');
}

/** A refusal of the app's own: JSON for a script, with its status and nothing of the app's inside. */
export function expectProblem(answer: Answered, status: number): void {
  expectInert(answer);
  expect([answer.status, answer.headers['content-type']]).toEqual([
    status,
    expect.stringContaining('application/problem+json'),
  ]);
  expect(JSON.parse(answer.body)).toMatchObject({ status, title: expect.any(String) });
}
