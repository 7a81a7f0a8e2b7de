import { vi } from 'vitest';
import type { SiteTexts } from '../../errors/texts.ts';
import type { Sessions } from '../../store/index.ts';
import { createHook, type Hook, mountWho, type Who, whoIs } from './asked.ts';
import type { Page, Visit } from './browser.ts';
import type { Profile } from './misbehaving-profiles.ts';
import type { Lies } from './misbehaving-replies.ts';
import { type Pair, withPair } from './misbehaving-sign-in.ts';

export const minute = 60_000;

export interface Rechecked extends Pair {
  hook: Hook;
  /** What the provider says: it may be changed at any time. */
  profile: Profile;
  /** What is wrong with the grant, such as its userinfo: it may be changed at any time. */
  lies: Lies;
  /** Lets so many minutes pass. */
  pass(minutes: number): void;
  /** What `/who` says now. */
  who(): Promise<Who>;
  /** How often a token, userinfo and `signIn` were asked for. */
  counts(): { token: number; userinfo: number; signIn: number };
  /** The reasons of the audit events of a name. */
  reasons(event: 'session.ended' | 'token.refresh_failed'): unknown[];
}

interface Options {
  profile?: Partial<Profile>;
  env?: Record<string, string>;
  /** Without one the site has no `signIn`. */
  signIn?: Parameters<Hook['now']>[0] | undefined;
  /** Puts something between the app and its sessions. */
  wrap?: (sessions: Sessions) => Sessions;
  /** What is wrong with the grant from the beginning. */
  lies?: Lies;
  /** The languages of the site. */
  texts?: SiteTexts;
}

/** Somebody has signed in at a provider that can lie, with a recheck every ten minutes, and a clock that tests move. */
export function withRecheck<T>({ signIn, lies = {}, ...more }: Options, use: (at: Rechecked) => Promise<T>) {
  const person = { name: 'Ada Example', roles: ['admin', 'member'] };
  const profile: Profile = {
    ...{ issuerPath: '', metadata: {}, answer: { iss: 'iss' } },
    ...{ idToken: { ...person }, userinfo: {} },
    ...more.profile,
  };
  const hook = createHook();
  if (signIn) hook.now(signIn);
  const env = { SESSION_RECHECK_MINUTES: '10', ...more.env };
  const site = signIn && { signIn: hook.signIn, ...(more.texts && { texts: more.texts }) };
  const routes = { ...(site && { site }), ...(more.wrap && { wrap: more.wrap }), mount: mountWho };
  return withPair({ op: { profile }, env, routes }, async (pair) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      pair.op.next(lies);
      const url = pair.app.url('/who');
      await whoIs(pair.browser, url);
      const { calls } = pair.op;
      return await use({
        ...pair,
        ...{ hook, profile, lies },
        pass: (minutes) => vi.setSystemTime(Date.now() + minutes * minute),
        who: () => whoIs(pair.browser, url),
        counts: () => ({ token: calls.token, userinfo: calls.userinfo, signIn: hook.asked.length }),
        reasons: (event) => pair.app.events(event).map(({ reason }) => reason),
      });
    } finally {
      vi.useRealTimers();
    }
  });
}

/** How a script of a page asks. */
export const asScript: Visit = {
  headers: { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Site': 'same-origin' },
  follow: false,
};

/** The menu of a page. */
export function menuOf({ body }: Page): string[] {
  const nav = /<nav[^>]*>([\s\S]*?)<\/nav>/.exec(body)?.[1] ?? '';
  return [...nav.matchAll(/<a[^>]*>([^<]+)</g)].map((match) => match[1] ?? '');
}
