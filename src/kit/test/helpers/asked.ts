import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type Request, type RequestHandler } from 'express';
import { requireAuth } from '../../guard/require-auth.ts';
import type { SignInContext } from '../../session/sign-in-hook.ts';
import { getUser } from '../../session/user-session.ts';
import type { Browser } from './browser.ts';

/** A `signIn` that each test writes anew, and what it was handed. */
export interface Hook {
  signIn: (at: SignInContext) => unknown;
  asked: SignInContext[];
  /** What it does from now on. */
  now(does: (at: SignInContext) => unknown): void;
  /** The same, but that it waits: `reached` resolves when it was asked, and it answers after `goOn()`. */
  hold(does: (at: SignInContext) => unknown): { reached: Promise<void>; goOn(): void };
}

export function createHook(): Hook {
  let does: (at: SignInContext) => unknown = () => undefined;
  const asked: SignInContext[] = [];
  return {
    asked,
    signIn: (at) => {
      asked.push(at);
      return does(at);
    },
    now: (next) => {
      does = next;
    },
    hold(next) {
      const reached = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      does = async (at) => {
        reached.resolve();
        await goOn.promise;
        return next(at);
      };
      return { reached: reached.promise, goOn: goOn.resolve };
    },
  };
}

/** `/who` says who is signed in, to a person, a form and a script; `/admin-only` and `/fresh` are what they say; `/typed` says what was typed. */
export function mountWho(app: Express): void {
  app.all('/who', requireAuth(), (req, res) => {
    const { roles, member, scopes, claims, acr, authTime, sid } = getUser(req) ?? {};
    res.json({ roles, member, scopes, claims, acr, authTime, sid });
  });
  const held = (req: Request) => ({ text: [String(req.body.text)] });
  const typed = [express.urlencoded(), requireAuth({}, { unsaved: held })];
  app.post('/typed', typed, ((req, res) => void res.send(req.body.text)) satisfies RequestHandler);
  app.get('/admin-only', requireAuth({ roles: 'admin' }), (_req, res) => void res.send('for administrators'));
  app.get('/fresh', requireAuth({ maxAgeSeconds: 60 }), (_req, res) => void res.send('fresh'));
  app.get('/anyone', (req, res) => void res.json({ roles: getUser(req)?.roles ?? null }));
}

export interface Who {
  roles: string[];
  member?: unknown;
  scopes: string[];
  claims: Record<string, unknown>;
  acr?: string;
  authTime?: string;
  sid?: string;
}

/** What `/who` says to this browser. */
export async function whoIs(browser: Browser, url: string): Promise<Who> {
  const { status, body } = await browser.get(url);
  if (status !== 200) throw new Error(`${status} ${url}\n${body.slice(0, 500)}`);
  return JSON.parse(body) as Who;
}

/** A small API that keeps what came with each call. */
export async function startSmallApi() {
  const calls: { url: string | undefined; authorization: string | undefined }[] = [];
  const server = createServer((req, res) => {
    calls.push({ url: req.url, authorization: req.headers.authorization });
    res.writeHead(200, { 'content-type': 'application/json' }).end('{"plan":"gold"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
