import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { toHeaders } from '../provider/answer-headers.ts';
import { ProviderAnswer, toResponse } from '../provider/fetch.ts';

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
      await expect(read('SlAV32hkKG').json()).rejects.toThrow(/^the answer is not JSON$/);
    await expect(toResponse(answer('SlAV32hkKG')).clone().json()).rejects.toThrow(/^the answer is not JSON$/);
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

test('challenges of a usual length are read', () => {
  const headersDistinct = { 'www-authenticate': ['Basic realm="x"', 'Bearer error="invalid_token"'] };
  const headers = toHeaders({ headersDistinct } as unknown as IncomingMessage);
  expect(headers.get('www-authenticate')).toBe('Basic realm="x", Bearer error="invalid_token"');
});
