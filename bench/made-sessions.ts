import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { SessionData } from 'express-session';
import { createAudit, createLog } from '../src/kit/log/index.ts';
import { createSessions } from '../src/kit/store/create-sessions.ts';
import { createKeys, openSessions, type SessionsOptions } from '../src/kit/store/index.ts';
import type { Records } from '../src/kit/store/records.ts';
import { contestants, type Running, type Surroundings, settingsOf } from './contestants.ts';
import { signedIn } from './pages.ts';

/** Whose session is made: somebody new each time, or the same again and again. */
type Owner = 'new' | { sub: string };

/** Makes so many sessions in Redis; returns the Cookie headers of some of them, spread over all. */
export type MakeSessions = (count: number, owner: Owner, cookies: number) => Promise<string[]>;

export interface Maker {
  make: MakeSessions;
  /** Of the person who has signed in for it. */
  cookie: string;
}

const idleSeconds = 1_800;
const maxSeconds = 28_800;

/**
 * Signs one person in, and makes more sessions of what that has left: by the kit's own code, so that they are what
 * sign-ins would have made, but on records that only write. A sign-in by browser takes a millisecond or two, this a
 * twentieth of one.
 */
export async function prepareMaker(running: Running, around: Surroundings): Promise<Maker> {
  const { SESSION_SECRET = '' } = settingsOf(contestants.app, 0, around);
  const log = createLog('silent');
  const options = { secrets: [SESSION_SECRET], idleSeconds, maxSeconds, log, audit: createAudit(log) };
  const { cookie } = await signedIn(running);
  const [, id = ''] = /session=s%3A([\w-]+)/.exec(cookie) ?? [];
  const template = await readSession(id, around, options);
  const { user } = template;

  const make: MakeSessions = async (count, owner, cookies) => {
    const wire = await openWire(new URL(around.redisUrl));
    const sessions = createSessions(writer(wire), createKeys('app:'), options);
    const save = (id: string, session: object) =>
      new Promise<void>((resolve, reject) => {
        sessions.store.set(id, session as SessionData, (error) => (error ? reject(error) : resolve()));
      });
    const some: string[] = [];
    for (let n = 0; n < count; n++) {
      const id = randomBytes(24).toString('base64url');
      const sub = owner === 'new' ? `made-${id.slice(0, 12)}` : owner.sub;
      const now = Date.now();
      const sid = randomBytes(16).toString('base64url');
      const made = { ...user, sub, sid, signedInAt: now, expiresAt: now + maxSeconds * 1000 };
      // The provider's stub does not say when: as after a step-up, sessions of one person may be ended.
      if (owner !== 'new') made.freshAt = now;
      const session = { user: made };
      sessions.admit(session);
      await sessions.tokens.create(id, template.tokens, made.expiresAt);
      await save(id, session);
      await sessions.enter(id, made, made.expiresAt, 0);
      if (some.length < cookies && n % Math.max(1, Math.floor(count / cookies)) === 0)
        some.push(cookieOf(id, SESSION_SECRET));
      // Others want their turn: the server is kept warm meanwhile.
      if (n % 100 === 99) await Promise.all([wire.drained(), turn()]);
    }
    await wire.end();
    return some;
  };
  return { make, cookie };
}

/** What the sign-in has left. */
async function readSession(id: string, { redisUrl }: Surroundings, options: Omit<SessionsOptions, 'redis'>) {
  const redis = { urls: [redisUrl], sentinel: undefined, keyPrefix: 'app:' };
  const sessions = await openSessions({ ...options, redis });
  const [data, tokens] = await Promise.all([sessions.look(id), sessions.tokens.read(id)]);
  await sessions.close();
  if (!data?.user || !tokens) throw new Error('the session of the bench cannot be read');
  return { user: data.user, tokens };
}

/** As express-session signs it. */
function cookieOf(id: string, secret: string): string {
  const mac = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
  return `session=${encodeURIComponent(`s:${id}.${mac}`)}`;
}

type Wire = Awaited<ReturnType<typeof openWire>>;

/** Records that are written and never read. */
function writer({ send }: Wire): Records {
  const records: Partial<Records> = {
    get: async () => undefined,
    async set(key, value, _only, end) {
      send(['SET', key, value, 'EX', String(end)]);
      return true;
    },
    async addMember(key, member, endsAt) {
      send(['ZADD', key, String(endsAt), member]);
      send(['PEXPIREAT', key, String(endsAt)]);
      return 0;
    },
  };
  return records as Records;
}

/** A connection to Redis on which nothing is answered until the end. */
async function openWire({ hostname, port }: URL) {
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let parts: (string | Buffer)[] = [];
  let full = false;
  socket.on('drain', () => {
    full = false;
  });

  function send(args: (string | Buffer)[]): void {
    parts.push(`*${args.length}\r\n`);
    for (const arg of args) parts.push(`$${Buffer.byteLength(arg)}\r\n`, arg, '\r\n');
  }

  function flush(): void {
    full = !socket.write(
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))),
    );
    parts = [];
  }

  send(['CLIENT', 'REPLY', 'OFF']);
  return {
    send,
    async drained(): Promise<void> {
      flush();
      if (full) await once(socket, 'drain');
    },
    /** Resolves when Redis has done all of it. */
    async end(): Promise<void> {
      send(['CLIENT', 'REPLY', 'ON']);
      flush();
      await once(socket, 'data');
      socket.destroy();
    },
  };
}
