import { randomBytes } from 'node:crypto';
import pino from 'pino';
import { newSessionId } from '../src/kit/session/user-session.ts';
import { openSessions, type Sessions } from '../src/kit/store/index.ts';
import { type Surroundings, sessionSecret } from './contestants.ts';
import { profileClaims } from './servers/claims.ts';
import { cookieOf } from './session-cookie.ts';

const hour = 3_600_000;

/**
 * Puts sessions into Redis as a sign-in at the stub does, by the store's own code: much faster than to sign in. Answers
 * with what their browsers send.
 *
 * @param wanted.whose what the names of their users begin with
 * @param wanted.dueAt when the recheck of each is due, epoch milliseconds
 */
export async function makeSessions(
  around: Surroundings,
  { count, whose, dueAt }: { count: number; whose: string; dueAt: number },
): Promise<string[]> {
  const sessions = await openSessions({
    redis: { urls: [around.redisUrl], sentinel: undefined, keyPrefix: 'app:' },
    secrets: [sessionSecret],
    ...{ idleSeconds: 1_800, maxSeconds: 8 * 3_600 },
    ...{ log: pino({ level: 'warn' }), audit: () => {} },
  });
  const cookies: string[] = [];
  let started = 0;
  const makeSome = async () => {
    while (started < count) {
      started += 1;
      const sub = `${whose}-${String(started).padStart(8, '0')}`;
      cookies.push(cookieOf(await makeOne(sessions, around, sub, dueAt), sessionSecret));
    }
  };
  await Promise.all(Array.from({ length: 64 }, makeSome));
  await sessions.close();
  return cookies;
}

async function makeOne(
  sessions: Sessions,
  { issuer }: Surroundings,
  sub: string,
  dueAt: number,
): Promise<string> {
  const id = newSessionId();
  const now = Date.now();
  const expiresAt = now + 8 * hour - 60_000;
  const user = {
    ...{
      provider: 'default',
      iss: issuer,
      sub,
      sid: id.slice(0, 22),
      scope: 'openid profile email offline_access',
    },
    claims: {
      aud: 'bench',
      iat: Math.floor(now / 1000),
      exp: Math.floor((now + 10 * hour) / 1000),
      ...profileClaims,
    },
    ...{ fromUserinfo: [], roles: profileClaims.roles, signedInAt: now, expiresAt },
    ...{ device: 'Chrome on Linux', recheck: { dueAt } },
  };
  const data = { cookie: { originalMaxAge: null }, user };
  const tokens = {
    access_token: `${filler(627)}.${sub}`,
    ...{ expires_at: now + hour, obtained_at: now, scope: user.scope },
    refresh_token: `${filler(50)}.${sub}`,
    id_token: `${filler(60)}.${encode({ iss: issuer, sub, ...user.claims })}.${filler(342)}`,
  };
  sessions.createOnSave(data, tokens);
  await new Promise<void>((resolve, reject) => {
    sessions.store.set(id, data, (error) => (error ? reject(error) : resolve()));
  });
  await sessions.enter(id, user, expiresAt, now);
  return id;
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** As long as what the stub gives; nobody reads it again. */
const filler = (length: number) => randomBytes(length).toString('base64url').slice(0, length);
