import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Express } from 'express';
import { describe, expect, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { getUser } from '../session/user-session.ts';
import type { Sessions, TokenRecord } from '../store/index.ts';
import { tokenState } from '../tokens/access-token.ts';
import { fetchFrom } from './helpers/fetch-from.ts';
import type { Lie } from './helpers/misbehaving-replies.ts';
import {
  expectHonestSignIn,
  expectPlainFailure,
  type Pair,
  reasons,
  withPair,
} from './helpers/misbehaving-sign-in.ts';

// Token answers as servers write them, beyond what RFC 6749 §5.1 knows. What is simply wrong stands in
// misbehaving-provider.test.ts.

/** The app with a page that shows what became of the answer, and the token records that were written. */
function withAnswers(
  env: Record<string, string>,
  use: (pair: Pair & { kept: TokenRecord[] }) => Promise<void>,
) {
  const kept: TokenRecord[] = [];
  const routes = {
    mount(app: Express) {
      app.get('/scopes', requireAuth(), (req, res) => void res.json(getUser(req)?.scopes));
      app.get('/needs-email', requireAuth({ scopes: ['email'] }), (_req, res) => void res.send('in'));
      app.get('/ends', requireAuth(), async (req, res) => void res.json(await tokenState(req)));
      app.get('/ask', requireAuth(), async (req, res) => {
        const answer = await fetchFrom(req, String(req.query.url));
        const { headers } = answer;
        res.json({ body: await answer.text(), encoding: headers.get('content-encoding') });
      });
    },
    wrap(sessions: Sessions): Sessions {
      const { createOnSave } = sessions;
      const { replace } = sessions.tokens;
      sessions.createOnSave = (session, record) => {
        if (record) kept.push(record);
        createOnSave.call(sessions, session, record);
      };
      sessions.tokens.replace = (id, record) => {
        kept.push(record);
        return replace.call(sessions.tokens, id, record);
      };
      return sessions;
    },
  };
  return withPair({ env, routes }, (pair) => use({ ...pair, kept }));
}

/** An API whose answer is packed. */
async function withApi(
  encoding: string,
  pack: (body: Buffer) => Buffer,
  use: (url: string) => Promise<void>,
) {
  const api = createServer((_req, res) => {
    res.setHeader('content-encoding', encoding).end(pack(Buffer.from('{"message":"hello"}')));
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  await use(`http://127.0.0.1:${(api.address() as AddressInfo).port}/`).finally(() => {
    api.closeAllConnections();
    api.close();
  });
}

const asked = ['openid', 'profile', 'email', 'offline_access'];
const answering = (json: Record<string, unknown>) => ({ token: { json } });

describe.concurrent('scope', () => {
  const shapes: [string, unknown, string[]][] = [
    ['a list of texts is those scopes', ['openid', 'email'], ['openid', 'email']],
    ['a list of one text with several is those scopes', ['openid email'], ['openid', 'email']],
    ['an empty list is none', [], []],
    ['an empty text is none', '', []],
    ['blanks alone are none', '  ', []],
    ['blanks around and between scopes are no scopes', ' openid   email ', ['openid', 'email']],
    ['that is absent is what was asked for', undefined, asked],
    ['that is null is what was asked for', null, asked],
  ];
  test.each(shapes)('%s', (_, scope, scopes) =>
    withAnswers({}, async ({ op, open }) => {
      op.next(answering({ scope }));
      expect(JSON.parse((await open('/scopes')).body)).toEqual(scopes);
      expect((await open('/needs-email')).status).toBe(scopes.includes('email') ? 200 : 403);
    }),
  );

  const wrong: [string, unknown][] = [
    ['a number', 5],
    ['an object', { openid: true }],
    ['a list with a number', ['openid', 5]],
    ['a text without end', 'x'.repeat(10_001)],
    ['a list without end', Array(10_100).fill('')],
  ];
  test.each(wrong)('that is %s signs nobody in', (_, scope) =>
    withAnswers({}, async ({ op, app, open }) => {
      op.next(answering({ scope }));
      expectPlainFailure(await open('/scopes'), app);
      expect(reasons(app)).toEqual(['provider_answer']);
    }),
  );

  test('that is absent at a refresh stays what it was', () =>
    withAnswers({}, async ({ op, open, kept }) => {
      op.next(answering({ scope: 'openid email', expires_in: 1 }));
      await open('/scopes');
      op.nextRefresh(answering({ scope: undefined }));
      await open('/api-data');
      expect(kept.map(({ scope }) => scope)).toEqual(['openid email', 'openid email']);
    }));

  test('that is absent is what was asked for then, whatever the setting says later', () =>
    withAnswers({ OIDC_SCOPE: 'openid email' }, async ({ op, open, kept }) => {
      op.next(answering({ scope: undefined }));
      expect(JSON.parse((await open('/scopes')).body)).toEqual(['openid', 'email']);
      expect(kept[0]?.scope).toBe('openid email');
    }));
});

describe.concurrent('what says nothing is absent', () => {
  test.each([null, ''])('a refresh token of %j', (refresh_token) =>
    withAnswers({}, async ({ op, open, kept }) => {
      op.next(answering({ refresh_token }));
      expect((await open('/scopes')).status).toBe(200);
      expect(kept[0]?.refresh_token).toBeUndefined();
    }),
  );

  test.each([null, ''])('a refresh token of %j at a refresh: the old one is kept', (refresh_token) =>
    withAnswers({}, async ({ op, open, kept }) => {
      op.next(answering({ expires_in: 1 }));
      await open('/scopes');
      op.nextRefresh(answering({ refresh_token, id_token: refresh_token }));
      await open('/api-data');
      const [first, second] = kept;
      expect(second?.refresh_token).toBe(first?.refresh_token);
      expect(second?.id_token).toBe(first?.id_token);
      expect(second?.access_token).not.toBe(first?.access_token);
    }),
  );

  test.each([null, ''])('a lifetime of %j', (expires_in) =>
    withAnswers({}, async ({ op, open, kept }) => {
      op.next(answering({ expires_in }));
      expect((await open('/scopes')).status).toBe(200);
      expect(kept[0]).toMatchObject({ access_token: expect.any(String), expires_at: undefined });
    }),
  );

  test.each([undefined, null, '', 5])('but a token type of %j is an error (RFC 6749 §5.1)', (token_type) =>
    withAnswers({}, async ({ op, app, open }) => {
      op.next(answering({ token_type }));
      expectPlainFailure(await open('/scopes'), app);
      expect(reasons(app)).toEqual(['provider_answer']);
    }),
  );
});

describe.concurrent('a lifetime', () => {
  test.each([
    ['3600', 3600],
    [' 60 ', 60],
    ['59.5', 59.5],
    [1e20, 10 * 365 * 86_400],
  ])('of %j is a number of seconds', (expires_in, seconds) =>
    withAnswers({}, async ({ op, open, kept }) => {
      op.next(answering({ expires_in }));
      const before = Date.now();
      expect((await open('/ends')).status).toBe(200);
      const ends = kept[0]?.expires_at ?? 0;
      expect(ends).toBeGreaterThanOrEqual(before + seconds * 1000);
      expect(ends).toBeLessThanOrEqual(Date.now() + seconds * 1000);
      expect((await open('/api-data')).status).toBe(200);
    }),
  );

  test.each([['3600 apples'], ['0x10'], ['-5'], [-5], ['NaN'], [[3600]], [true]])(
    'of %j signs nobody in',
    (expires_in) =>
      withAnswers({}, async ({ op, app, open }) => {
        op.next(answering({ expires_in }));
        expectPlainFailure(await open('/scopes'), app);
        expect(reasons(app)).toEqual(['provider_answer']);
      }),
  );
});

const packings: [string, (body: Buffer) => Buffer][] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['br', brotliCompressSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['identity', (body) => body],
  ['deflate, gzip', (body) => gzipSync(deflateSync(body))],
];
const packed = (encoding: string, pack: (body: Buffer) => Buffer): Lie => ({
  headers: { 'content-encoding': encoding },
  pack,
});

const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, ' '));
const oneByteMore = gzipSync(Buffer.alloc(1024 * 1024 + 1, ' '));

describe.concurrent('an answer that is packed although nobody asked for it', () => {
  test.each(packings)('%s is read, from every endpoint', (encoding, pack) =>
    withPair({ op: { par: true } }, async (pair) => {
      const lie = packed(encoding, pack);
      pair.op.next({ discovery: lie, jwks: lie, par: lie, token: lie, userinfo: lie, revocation: lie });
      await expectHonestSignIn(pair);
    }),
  );

  test('in a refusal is read too', () =>
    withPair({}, async ({ op, app, open }) => {
      op.next({ token: { status: 400, json: { error: 'invalid_scope' }, ...packed('gzip', gzipSync) } });
      await open('/profile');
      expect(app.events('sign_in.failed')).toMatchObject([{ hint: expect.stringContaining('OIDC_SCOPE') }]);
    }));

  test.each([
    ['a bomb', packed('gzip', () => bomb), /larger than/],
    ['one byte more than fits', packed('gzip', () => oneByteMore), /larger than/],
    ['a bomb in a bomb', packed('gzip, gzip', () => gzipSync(bomb)), /larger than/],
    ['cut in half', packed('gzip', (body) => gzipSync(body).subarray(0, 100)), /cannot be decompressed/],
    ['not packed at all', packed('gzip', (body) => body), /cannot be decompressed/],
    ['packed by nobody knows what', packed('exi', (body) => body), /nobody asked for/],
    ['packed by a name that every object has', packed('constructor', (body) => body), /nobody asked for/],
    ['packed three times', packed('gzip, gzip, gzip', (body) => body), /more than twice/],
  ])('%s signs nobody in', (_, token, words) =>
    withPair({}, async ({ op, app, open }) => {
      op.next({ token });
      expectPlainFailure(await open('/profile'), app);
      const hint = expect.stringMatching(words);
      expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'provider_answer', hint }]);
    }),
  );

  test.each(packings)('%s is read from an API as well', async (encoding, pack) => {
    await withApi(encoding, pack, (url) =>
      withAnswers({}, async ({ open }) => {
        const { body } = await open(`/ask?url=${encodeURIComponent(url)}`);
        expect(JSON.parse(body)).toEqual({ body: '{"message":"hello"}', encoding: null });
      }),
    );
  });
});

test('an access token that no header can carry signs nobody in, and is not in the log', () =>
  withAnswers({}, async ({ op, app, open }) => {
    for (const access_token of ['SlAV32hkKG9\nZX: 1', 'SlAV32hkKG9€', 'SlAV32hkKG9\0']) {
      op.next(answering({ access_token }));
      expectPlainFailure(await open('/scopes'), app);
    }
    expect(reasons(app)).toEqual(Array(3).fill('provider_answer'));
    expect(JSON.stringify(app.lines)).not.toContain('SlAV32hk');
  }));
