import { expect } from 'vitest';
import { requireAuth } from '../../guard/require-auth.ts';
import { getAccessToken } from '../../tokens/access-token.ts';
import { atLeast, type TestApp } from './app.ts';
import type { MoreRoutes } from './app-with-routes.ts';
import { type Pair, startPair } from './pair.ts';

type PairOptions = NonNullable<Parameters<typeof startPair>[0]>;

/** So short that every use of a token refreshes it first. */
const accounts = [{ sub: 'alice', purpose: '', claims: { name: 'Alice Adams' }, accessTokenSeconds: 1 }];

const routes: MoreRoutes = {
  mount(app) {
    app.get('/token', requireAuth(), async (req, res) => void res.send(await getAccessToken(req)));
  },
};

/** An app and a provider, for as long as `use` takes. */
export async function withPairOf(options: PairOptions, use: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await startPair({ accounts, routes, ...options });
  await use(pair).finally(pair.stop);
}

/** Signs in, refreshes and signs out: whatever the app says to the provider in all that must be accepted. */
export async function expectWholeLife(pair: Pair): Promise<void> {
  const revoked: string[] = [];
  pair.provider.provider.on('grant.revoked', (_ctx: unknown, grant: string) => void revoked.push(grant));
  const { page, browser } = await pair.signIn('alice');
  expect([page.status, page.url], warningsOf(pair.app)).toEqual([200, pair.app.url('/profile')]);
  expect(page.body).toContain('Alice Adams');
  const token = await browser.get(pair.app.url('/token'));
  expect(token.status, warningsOf(pair.app)).toBe(200);
  expect(pair.app.events('token.refreshed')).toHaveLength(1);
  const last = await browser.submit(page);
  expect([last.status, last.url.split('?')[0]]).toEqual([200, pair.app.url('/signed-out')]);
  expect(warningsOf(pair.app)).not.toContain('could not be revoked');
  expect(revoked).toHaveLength(1);
}

/** The warnings and errors that the app logged. */
export function warningsOf({ lines }: TestApp): string {
  return JSON.stringify(lines.filter(atLeast('warn')));
}

interface Served {
  oidc: { body: Record<string, string> };
}

/** The forms that the app posted to the provider and that it took, as they come. */
export function watchForms({ provider }: Pair['provider']): Record<string, string>[] {
  const forms: Record<string, string>[] = [];
  for (const event of ['pushed_authorization_request.success', 'grant.success']) {
    provider.on(event, ({ oidc }: Served) => void forms.push({ ...oidc.body }));
  }
  return forms;
}
