import type { IncomingMessage } from 'node:http';
import * as oidc from 'openid-client';
import { describe, expect, test } from 'vitest';
import { toHeaders } from '../src/auth/provider/answer-headers.ts';
import { ProviderAnswer, toResponse } from '../src/auth/provider/fetch.ts';
import { said } from '../src/auth/provider/hint-text.ts';
import { inStandardForm } from '../src/auth/provider/token-answer.ts';
import { withoutQuotes } from '../src/log/quotes.ts';

const answer = (body: string | Uint8Array, status = 200) =>
  new ProviderAnswer(status, new Headers({ 'Content-Type': 'application/json' }), Buffer.from(body));

describe("the provider's answer", () => {
  test('can be read again, also by a copy', async () => {
    const once = answer('{"error":"invalid_grant"}', 400);
    expect(await once.clone().json()).toEqual({ error: 'invalid_grant' });
    expect(await once.json()).toEqual({ error: 'invalid_grant' });
    expect(await once.text()).toBe('{"error":"invalid_grant"}');
    expect(once.bodyUsed).toBe(false);
    expect([once.status, once.ok, once.headers.get('content-type')]).toEqual([
      400,
      false,
      'application/json',
    ]);
  });

  test('may begin with a byte order mark', async () => {
    expect(await answer('\ufeff{"sub":"alice"}').json()).toEqual({ sub: 'alice' });
  });

  test('that is no JSON rejects', async () => {
    await expect(answer('<html>').json()).rejects.toThrow(SyntaxError);
    await expect(answer('').json()).rejects.toThrow(SyntaxError);
  });

  test('that is no JSON is not quoted', async () => {
    for (const read of [answer, (text: string) => toResponse(answer(text))])
      await expect(read('SlAV32hkKG').json()).rejects.toThrow(/^the answer is no JSON$/);
    await expect(toResponse(answer('SlAV32hkKG')).clone().json()).rejects.toThrow(/^the answer is no JSON$/);
  });
});

describe("an API's answer", () => {
  test("is anybody's Response: its bytes may be read in any way", async () => {
    const bytes = Uint8Array.of(0, 255, 10);
    const response = toResponse(answer(bytes, 206));
    expect(response.status).toBe(206);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.body).not.toBeNull();
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  });

  test.each([204, 304])('%i has no body', (status) => {
    expect(toResponse(answer('', status)).body).toBeNull();
  });
});

describe('what a provider or an API sends costs no more than its length', () => {
  /** CPU time of work, in milliseconds: the best of five. */
  async function cost(work: () => unknown): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1000);
    }
    return Math.min(...times);
  }

  /** Doubles the input from where it takes at least 5 ms; twice the length may cost less than threefold. */
  async function expectLinear(work: (length: number) => unknown): Promise<void> {
    let length = 4_000;
    while ((await cost(() => work(length))) < 5) {
      // Nobody can send as much as that: a megabyte is taken of an answer.
      if (length > 2_000_000) return;
      length *= 2;
    }
    const [once, twice] = [await cost(() => work(length)), await cost(() => work(length * 2))];
    expect(twice / once, `${length} characters: ${once} ms, doubled: ${twice} ms`).toBeLessThan(3);
  }

  const pieces = [
    'Received type ',
    "Received '",
    '"',
    'Unexpected token ',
    ' is not valid JSON',
    "' on string ",
    "Cannot create property '",
    "Cannot use 'in' operator to search for ",
    ' is an invalid header value',
    'a',
  ];
  test.each(pieces)('quotations of %j in a log line', (piece) =>
    expectLinear((length) => withoutQuotes(piece.repeat(length / piece.length))),
  );

  const words = ['eyJ', 'token=', 'code: ', 'bearer ', '_', 'a_', '\u202e', 'a', '-', '"', 'DPoP: '];
  test.each(words)('%j in a hint', (piece) => expectLinear((length) => said(piece.repeat(length), 400)));

  test.each([
    ['scope', ['x'.repeat(50)]],
    ['expires_in', '1'],
    ['access_token', 'x'],
  ])('a token answer with a long %s', (name, value) =>
    expectLinear((length) => {
      const long = Array.isArray(value) ? Array(length).fill(value[0]) : value.repeat(length);
      try {
        inStandardForm(answer('{}'), { [name]: long });
      } catch {}
    }),
  );

  test.each(['a=b,', 'a="b",', 'A b,', 'a="\\"', ','])('challenges of %j', (piece) =>
    expectLinear(async (length) => {
      const value = `Bearer ${piece.repeat(length / piece.length)}`;
      const message = { headersDistinct: { 'www-authenticate': [value] } } as unknown as IncomingMessage;
      const refusal = new ProviderAnswer(401, toHeaders(message), Buffer.from('{}'));
      const server = { issuer: 'https://op.example.com', token_endpoint: 'https://op.example.com/token' };
      const configuration = new oidc.Configuration(server, 'app');
      configuration[oidc.customFetch] = async () => refusal;
      await oidc.refreshTokenGrant(configuration, 'a-token').catch(() => {});
    }),
  );

  test('challenges of a usual length are read', () => {
    const headersDistinct = { 'www-authenticate': ['Basic realm="x"', 'Bearer error="invalid_token"'] };
    const headers = toHeaders({ headersDistinct } as unknown as IncomingMessage);
    expect(headers.get('www-authenticate')).toBe('Basic realm="x", Bearer error="invalid_token"');
  });
});
