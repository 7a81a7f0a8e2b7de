import { randomUUID } from 'node:crypto';
import type { SessionData } from 'express-session';
import pino from 'pino';
import type { RedisConfig } from '../../config/index.ts';
import { createSessions } from '../../store/create-sessions.ts';
import {
  createKeys,
  openSessions,
  type SessionOwner,
  type Sessions,
  type SessionsOptions,
} from '../../store/index.ts';
import { createMemoryRecords } from '../../store/memory.ts';
import { hasRedis, type RedisServer, redisAt, startRedis } from './redis-server.ts';

export const secret = 'a secret of thirty-two characters!';
export const alice = { iss: 'https://id.example', sub: 'alice', sid: 'provider-session-1' };
export const hour = 3_600_000;

/** What a sign-in puts into a session, as far as the store cares. */
export interface SignedIn {
  cookie: { originalMaxAge: null };
  user?: SessionOwner & { expiresAt: number; provider?: string };
  note?: string;
}

/** A log and an audit trail that a test can read. */
export function witness() {
  const lines: string[] = [];
  const events: { event: string; reason?: string | undefined; session?: string | undefined }[] = [];
  return {
    lines,
    events,
    log: pino({ base: null }, { write: (line: string) => void lines.push(line) }),
    audit: (event: string, details: { reason?: string | undefined }) =>
      void events.push({ event, ...details }),
  };
}

export type Overrides = Partial<Omit<SessionsOptions, 'redis'>> & { keyPrefix?: string };

/** A store that several instances of the app may open. */
export interface Shared {
  open(overrides?: Overrides): Promise<Sessions>;
  redis?: RedisServer;
  stop(): Promise<void>;
}

const defaults = () => ({ secrets: [secret], idleSeconds: 1800, maxSeconds: 28_800, ...witness() });

/** Sessions in the Redis of these settings, and what is logged about it. The caller closes them. */
export async function openWatched(redis: RedisConfig) {
  const seen = witness();
  const sessions = await openSessions({ redis, ...defaults(), ...seen });
  return { sessions, ...seen, names: () => seen.events.map(({ event }) => event) };
}

async function sharedMemory(): Promise<Shared> {
  const records = createMemoryRecords(witness().log);
  return {
    open: async ({ keyPrefix = 'app:', ...overrides } = {}) =>
      createSessions(records, createKeys(keyPrefix), { ...defaults(), ...overrides }),
    stop: () => records.close(),
  };
}

export async function sharedRedis(): Promise<Required<Shared>> {
  const redis = await startRedis();
  const opened: Sessions[] = [];
  return {
    redis,
    async open({ keyPrefix = 'app:', ...overrides } = {}) {
      const at = { ...redisAt(redis.url), keyPrefix };
      const sessions = await openSessions({ redis: at, ...defaults(), ...overrides });
      opened.push(sessions);
      return sessions;
    },
    async stop() {
      await Promise.all(opened.map((sessions) => sessions.close()));
      await redis.stop();
    },
  };
}

/** The two stores that keep one contract. */
export const stores = [
  { store: 'memory', share: sharedMemory },
  ...(hasRedis ? [{ store: 'Redis', share: sharedRedis }] : []),
];

export function sessionOf(
  owner: SessionOwner & { provider?: string } = alice,
  expiresAt = Date.now() + hour,
): SignedIn {
  return { cookie: { originalMaxAge: null }, user: { ...owner, expiresAt } };
}

export function read(sessions: Sessions, id: string): Promise<SignedIn | undefined> {
  return new Promise((resolve, reject) => {
    sessions.store.get(id, (error, data) =>
      error ? reject(error) : resolve((data ?? undefined) as SignedIn | undefined),
    );
  });
}

export function save(sessions: Sessions, id: string, data: SignedIn): Promise<void> {
  return new Promise((resolve, reject) => {
    sessions.store.set(id, data as unknown as SessionData, (error) => (error ? reject(error) : resolve()));
  });
}

/** Where a sign-in begins whose answer has come, in the order of endings. */
export async function markSignIn(sessions: Sessions): Promise<number> {
  return (await sessions.answers.takeUp(randomUUID(), 60)) as number;
}

/** The whole of a sign-in, as the app does it. */
export async function signIn(
  sessions: Sessions,
  owner: SessionOwner & { provider?: string } = alice,
  expiresAt = Date.now() + hour,
) {
  const id = randomUUID();
  const since = await markSignIn(sessions);
  const session = sessionOf(owner, expiresAt);
  sessions.createOnSave(session, { access_token: 'an access token', refresh_token: 'a refresh token' });
  await save(sessions, id, session);
  const entered = await sessions.enter(id, owner, expiresAt, since);
  return { id, entered, session };
}
