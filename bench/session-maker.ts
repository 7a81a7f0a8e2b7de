/**
 * Makes sessions in Redis, of what one sign-in has left: by the kit's own code, so that they are what sign-ins would have
 * made, but on records that only write. It is told what to make on standard input, and prints Cookie headers.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import type { SessionData } from 'express-session';
import { createAudit, createLog } from '../src/kit/log/index.ts';
import { createSessions } from '../src/kit/store/create-sessions.ts';
import { createKeys, type TokenRecord } from '../src/kit/store/index.ts';
import type { Records } from '../src/kit/store/records.ts';
import { cookieOf } from './session-cookie.ts';

export interface Wanted {
  redisUrl: string;
  secret: string;
  user: NonNullable<SessionData['user']>;
  tokens: TokenRecord;
  count: number;
  /** Of whom all are; somebody new each time where it is left out. */
  sub?: string;
  /** For how many there is to be a Cookie header. */
  cookies: number;
}

const idleSeconds = 1_800;
const maxSeconds = 28_800;

const wanted = (await json(process.stdin)) as Wanted;
const wire = await openWire(new URL(wanted.redisUrl));
await makeAll(wanted);
await wire.end();

async function makeAll({ secret, user, tokens, count, sub, cookies }: Wanted): Promise<void> {
  const log = createLog('silent');
  const options = { secrets: [secret], idleSeconds, maxSeconds, log, audit: createAudit(log) };
  const sessions = createSessions(writer(), createKeys('app:'), options);
  const save = (id: string, session: object) =>
    new Promise<void>((resolve, reject) => {
      sessions.store.set(id, session as SessionData, (error) => (error ? reject(error) : resolve()));
    });
  const every = Math.floor(count / Math.max(1, cookies));
  for (let n = 0; n < count; n++) {
    const id = randomBytes(24).toString('base64url');
    const [signedInAt, expiresAt] = [Date.now(), Date.now() + maxSeconds * 1000];
    const sid = randomBytes(16).toString('base64url');
    const made = { ...user, sub: sub ?? `made-${id.slice(0, 12)}`, sid, signedInAt, expiresAt };
    // The provider's stub does not say when: as after a step-up, sessions of one person may be ended.
    if (sub !== undefined) made.freshAt = signedInAt;
    const session = { user: made };
    sessions.createOnSave(session, tokens);
    await save(id, session);
    await sessions.enter(id, made, expiresAt, 0);
    if (n % every === 0 && n < every * cookies) console.log(cookieOf(id, secret));
    if (n % 100 === 99) await wire.drained();
  }
}

/** Records that are written and never read. */
function writer(): Records {
  const records: Partial<Records> = {
    get: async () => undefined,
    async create(made) {
      for (const { key, value, seconds } of made) wire.send(['SET', key, value, 'EX', String(seconds)]);
      return true;
    },
    async addMember(sets, member, endsAt, numbers = []) {
      for (const key of sets) {
        wire.send(['ZADD', key, String(endsAt), member]);
        wire.send(['PEXPIREAT', key, String(endsAt)]);
      }
      return numbers.map(() => 0);
    },
  };
  return records as Records;
}

/** A connection to Redis on which nothing is answered until the end. */
async function openWire({ hostname, port }: URL) {
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let parts: Buffer[] = [];

  function send(args: (string | Buffer)[]): void {
    parts.push(Buffer.from(`*${args.length}\r\n`));
    for (const arg of args) {
      parts.push(Buffer.from(`$${Buffer.byteLength(arg)}\r\n`), Buffer.from(arg), Buffer.from('\r\n'));
    }
  }

  async function drained(): Promise<void> {
    const written = Buffer.concat(parts);
    parts = [];
    if (!socket.write(written)) await once(socket, 'drain');
  }

  send(['CLIENT', 'REPLY', 'OFF']);
  return {
    send,
    drained,
    /** Resolves when Redis has done all of it. */
    async end(): Promise<void> {
      send(['CLIENT', 'REPLY', 'ON']);
      const answered = once(socket, 'data');
      await drained();
      await answered;
      socket.destroy();
    },
  };
}
