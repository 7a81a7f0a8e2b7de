import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { withoutEcho, withoutEchoes } from '../provider/echoes.ts';
import { createProviderFetch } from '../provider/fetch.ts';
import { growth, linear } from './helpers/growth.ts';
import { expectHonestSignIn, withPair } from './helpers/misbehaving-sign-in.ts';

// A server may send back what it was sent. Secrets of any looks, and ten characters of one, stay out of logs and pages.

/** Answers each request with what `answer` makes of it. */
async function withServer<T>(
  answer: (
    headers: IncomingHttpHeaders,
    body: string,
  ) => { status: number; challenge?: string; body: string },
  use: (origin: string) => Promise<T>,
): Promise<T> {
  const server = createServer(async (req, res) => {
    const { status, challenge, body } = answer(req.headers, await text(req));
    if (challenge) res.setHeader('www-authenticate', challenge);
    res.writeHead(status, { 'content-type': 'application/json' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('a refusal that quotes what was sent', () => {
  const secret = 'p/a.s"s:w.o/r.d ä1';
  const basic = `Basic ${btoa(`web:${new URLSearchParams([['', secret]]).toString().slice(1)}`)}`;
  const form = { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' };
  const body = (name: string) => new URLSearchParams({ grant_type: 'refresh_token', [name]: secret });
  const requests: [string, Record<string, string>, URLSearchParams?][] = [
    ['Bearer', { authorization: 'Bearer A.z/0~9+b_c-d=' }],
    ['DPoP', { authorization: 'DPoP a.b.c.d.e.f.g.h', dpop: 'h.e.a.d.p.r.o.o.f' }],
    ['Basic', { authorization: basic, ...form }, new URLSearchParams({ grant_type: 'refresh_token' })],
    ...['code', 'code_verifier', 'refresh_token', 'token', 'client_secret', 'client_assertion', 'state'].map(
      (name): [string, Record<string, string>, URLSearchParams] => [name, form, body(name)],
    ),
  ];
  test.each(requests)('repeats nothing secret, in its body and in its challenge: %s', (_, headers, sent) =>
    withServer(
      ({ authorization = '', dpop = '' }, received) => {
        const parts = [authorization, String(dpop), ...new URLSearchParams(received).values()];
        if (authorization === basic) parts.push(secret);
        const said = `the refresh_token ${parts.join(' or ')} is not valid`;
        const ascii = said.replace(/[^\x20-\x7e]|["\\]/g, ' ');
        const json = JSON.stringify({ error: 'invalid_grant', error_description: said }).replaceAll(
          '/',
          '\\/',
        );
        return { status: 400, challenge: `Bearer error_description="${ascii}"`, body: json };
      },
      async (origin) => {
        const { fetch, close } = createProviderFetch({});
        const answer = await withoutEchoes(fetch)(`${origin}/x`, { method: 'POST', headers, body: sent });
        close();
        const { error, error_description } = await answer.json();
        expect(error).toBe('invalid_grant');
        const secrets = [secret, 'A.z/0~9+b_c-d=', basic, 'a.b.c.d.e.f.g.h', 'h.e.a.d.p.r.o.o.f'];
        for (const words of [error_description, answer.headers.get('www-authenticate') ?? '']) {
          expect(words).toContain('the refresh_token');
          expect(words).toContain('[redacted]');
          for (const each of secrets) {
            for (let at = 0; at + 10 <= each.length; at++)
              expect(words).not.toContain(each.slice(at, at + 10));
          }
        }
      },
    ),
  );

  test('and what it says otherwise stays as it is', () =>
    withServer(
      () => ({ status: 400, challenge: 'Basic realm="x"', body: '{ "error" : "invalid_scope" }' }),
      async (origin) => {
        const { fetch, close } = createProviderFetch({});
        const answer = await withoutEchoes(fetch)(origin, {
          headers: { authorization: 'Bearer 0123456789abc' },
        });
        close();
        expect(await answer.text()).toBe('{ "error" : "invalid_scope" }');
        expect(answer.headers.get('www-authenticate')).toBe('Basic realm="x"');
      },
    ));

  test('says no part of the client secret in any line of the log', () =>
    withPair({}, async ({ op, app, open }) => {
      const error_description = `Wrong client secret ${op.clientSecret}!`;
      op.next({ token: { status: 401, json: { error: 'invalid_client', error_description } } });
      await open('/profile');
      expect(app.events('sign_in.failed')).toMatchObject([
        { error: 'invalid_client', error_description: 'Wrong client secret [redacted]!' },
      ]);
      expect(JSON.stringify(app.lines)).not.toContain(op.clientSecret.slice(0, 10));
    }));
});

test('an API that sends the token back has it shown to nobody', () =>
  withServer(
    ({ authorization = '' }) => ({
      status: 200,
      body: JSON.stringify({ hello: 'world', authorization, start: authorization.slice(7, 22) }),
    }),
    (API_URL) =>
      withPair({ env: { API_URL } }, async (pair) => {
        await expectHonestSignIn(pair);
        const { status, body } = await pair.open('/api-data');
        expect([status, body.includes('world'), body.includes('[redacted]')]).toEqual([200, true, true]);
        for (const secret of pair.op.secrets) expect(body).not.toContain(secret.slice(0, 10));
      }),
  ));

test('time grows with what was sent and what was said, and no faster (R23)', async () => {
  const prepare = (size: number) => {
    const secret = Array.from({ length: size / 10 }, (_, n) => `${n}`.padStart(10, 'x')).join('');
    const said = `${secret} and ${'0'.repeat(size)}`;
    return () => withoutEcho(said, [secret]);
  };
  expect(prepare(100)()).toBe(`[redacted] and ${'0'.repeat(100)}`);
  expect(await growth(20_000, prepare)).toBeLessThan(linear);
});
