import { randomUUID } from 'node:crypto';
import type { Client, Payload, Provider } from 'oidc-provider';
import type { ProviderStore } from './provider-store.ts';

/** A browser that is signed in at the provider, and the apps it went to. */
export interface ProviderSession {
  uid: string;
  sub: string;
  since: Date;
  clients: { client_id: string; sid: string; frontchannel_logout_uri?: string | undefined }[];
}

/** What a client answered to a logout token. */
export interface LogoutAnswer {
  client_id: string;
  status: number | undefined;
  problem?: string;
}

export type ProviderLogout = ReturnType<typeof providerLogout>;

/** Ends the provider's sessions and tells the apps by OpenID Connect Back-Channel Logout 1.0. */
export function providerLogout(provider: Provider, store: ProviderStore) {
  const listSessions = () => sessionsIn(store);

  /** Sends one logout token: with `sid` for one session, with `sub` alone for all of a user. */
  async function sendLogoutToken(client_id: string, about: About): Promise<LogoutAnswer> {
    const client = await provider.Client.find(client_id);
    if (!client?.backchannelLogoutUri)
      return { client_id, status: undefined, problem: 'has no back-channel address' };
    try {
      const { status } = await fetch(client.backchannelLogoutUri, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.timeout(5_000),
        body: new URLSearchParams({ logout_token: await logoutToken(provider, client, about) }),
      });
      return { client_id, status };
    } catch (error) {
      return { client_id, status: undefined, problem: (error as Error).message };
    }
  }

  /** Ends one session: the browser must sign in again, and each app it went to is informed by `sid`. */
  async function endSession(uid: string, { tell = true } = {}): Promise<LogoutAnswer[]> {
    const session = listSessions().find((one) => one.uid === uid);
    await forget([uid]);
    if (!tell) return [];
    return Promise.all(
      (session?.clients ?? []).map(({ client_id, sid }) =>
        sendLogoutToken(client_id, { sub: session?.sub ?? '', sid }),
      ),
    );
  }

  /** Ends all sessions of a user: each app is informed once, by `sub`, also those no session remembers. */
  async function endUser(sub: string): Promise<LogoutAnswer[]> {
    await forget(listSessions().flatMap((session) => (session.sub === sub ? [session.uid] : [])));
    return Promise.all([...store.clients.keys()].map((client_id) => sendLogoutToken(client_id, { sub })));
  }

  async function forget(uids: string[]): Promise<void> {
    const ended = store.records('Session').filter(({ uid }) => uids.includes(uid as string));
    await Promise.all(ended.map(({ jti }: Payload) => store.adapter('Session').destroy(jti as string)));
  }

  return { listSessions, sendLogoutToken, endSession, endUser };
}

/** Whom a logout token names. */
interface About {
  sub?: string;
  sid?: string;
}

async function logoutToken(provider: Provider, client: Client, { sub, sid }: About): Promise<string> {
  const token = new provider.IdToken(sub ? { sub } : {}, { client, ctx: undefined });
  if (sub) token.mask = { sub: null };
  if (sid) token.set('sid', sid);
  token.set('jti', randomUUID());
  token.set('events', { 'http://schemas.openid.net/event/backchannel-logout': {} });
  return token.issue({ use: 'logout' });
}

function sessionsIn(store: ProviderStore): ProviderSession[] {
  return store
    .records('Session')
    .filter(({ accountId }) => accountId !== undefined)
    .map((session) => ({
      uid: session.uid as string,
      sub: session.accountId as string,
      since: new Date((session.loginTs as number) * 1000),
      clients: Object.entries((session.authorizations ?? {}) as Record<string, { sid?: string }>).flatMap(
        ([client_id, { sid }]) =>
          sid ? [{ client_id, sid, frontchannel_logout_uri: frontchannelUri(store, client_id) }] : [],
      ),
    }));
}

function frontchannelUri(store: ProviderStore, client_id: string): string | undefined {
  return store.clients.get(client_id)?.frontchannel_logout_uri as string | undefined;
}
