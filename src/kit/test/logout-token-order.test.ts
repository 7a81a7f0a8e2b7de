import { generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Sessions } from '../store/index.ts';
import { type Forgery, logoutToken } from './helpers/logout-tokens.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// In which order a logout token is checked and carried out (src/kit/sign-out/provider-logout.ts): nothing of it is believed
// before its signature is, the store is asked about verified tokens only, and one is used up when its sessions have ended.

let pair: Pair;
/** What the sessions were asked. */
let asked: string[];
let failing: string | undefined;

/** Hears what is asked of them, and refuses what is to fail. */
function overheard(sessions: Sessions): Sessions {
  return new Proxy(sessions, {
    get(target, name: keyof Sessions) {
      const value = target[name];
      if (typeof value !== 'function') return value;
      return (...args: never[]) => {
        asked.push(name);
        if (failing === name) throw new Error('the store is away');
        return (value as (...args: never[]) => unknown).apply(target, args);
      };
    },
  });
}

beforeAll(async () => {
  asked = [];
  pair = await startPair({ algs: ['RS256', 'ES256'], routes: { wrap: overheard } });
});
afterAll(() => pair?.stop());
beforeEach(() => {
  asked = [];
  failing = undefined;
});

async function send(token: string) {
  const body = new URLSearchParams({ logout_token: token });
  const { status } = await fetch(pair.app.url('/auth/backchannel-logout'), { method: 'POST', body });
  return { status, reason: status === 200 ? '' : pair.app.events('logout_token.refused').at(-1)?.reason };
}

const forged = (forgery: Forgery) =>
  logoutToken(pair.provider, { sub: 'alice', sid: 'sid of alice' }, forgery);

test('whether it was used is asked first, then its sessions end, and only then it is used up', async () => {
  const token = await forged({});
  expect((await send(token)).status).toBe(200);
  expect(asked).toEqual(['wasUsed', 'endOwner', 'firstUse']);
  asked = [];
  expect(await send(token)).toEqual({ status: 400, reason: 'its jti was seen before' });
  expect(asked).toEqual(['wasUsed']);
});

test('where its sessions could not be ended it is not used up, and the next attempt carries it out', async () => {
  const token = await forged({});
  failing = 'endOwner';
  expect((await send(token)).status).toBe(400);
  expect(asked).toEqual(['wasUsed', 'endOwner']);
  failing = undefined;
  expect((await send(token)).status).toBe(200);
});

describe('of several faults the log names the one that is looked for first, and the store is not asked', () => {
  const now = Math.floor(Date.now() / 1000);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const faults: [string, Forgery, RegExp][] = [
    ['the signature', { key: stranger as JWK }, /signature/],
    ['iss', { claims: { iss: 'https://other.example.com' } }, /"iss"/],
    ['aud', { claims: { aud: 'another-client' } }, /"aud"/],
    ['nbf', { claims: { nbf: now + 400 } }, /"nbf"/],
    ['exp', { claims: { exp: now - 60 } }, /"exp"/],
    ['typ', { header: { typ: 'secevent+jwt' } }, /^typ is that of another token/],
    ['nonce', { claims: { nonce: 'abc' } }, /nonce/],
    ['events', { claims: { events: { 'https://example.com/other': {} } } }, /^events does not contain/],
    ['client_id', { header: { typ: 'at+jwt' }, claims: { client_id: 'a' } }, /access token/],
    ['jti', { claims: { jti: '' } }, /^jti is empty/],
    ['sub', { claims: { sub: ['alice'] } }, /^sub is not a string/],
    ['sid', { claims: { sid: ['a'] } }, /^sid is not a string/],
    ['its age', { claims: { exp: undefined, iat: now - 170 } }, /two minutes/],
  ];

  /** All of them in one token; of two that need another value at one place, the first. */
  function together(all: readonly Forgery[]): Forgery {
    const forgery: Forgery = {};
    for (const { claims, header, ...more } of all.toReversed()) {
      Object.assign(forgery, more);
      forgery.claims = { ...forgery.claims, ...claims };
      forgery.header = { ...forgery.header, ...header };
    }
    return forgery;
  }

  test.each(faults.map(([name], index) => [name, index] as const))(
    '%s, before all that follow',
    async (_name, index) => {
      const [, , reason] = faults[index] as (typeof faults)[number];
      const rest = faults.slice(index).map(([, forgery]) => forgery);
      const answer = await send(await forged(together(rest)));
      expect(answer.status).toBe(400);
      expect(answer.reason).toMatch(reason);
      expect(asked).toEqual([]);
    },
  );

  test('the algorithm, before the signature', async () => {
    const rest = faults.slice(1).map(([, forgery]) => forgery);
    expect((await send(await forged({ ...together(rest), alg: 'ES256' }))).reason).toMatch(/"alg"/);
    expect(asked).toEqual([]);
  });
});
