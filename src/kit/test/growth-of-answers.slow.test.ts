import type { IncomingMessage } from 'node:http';
import * as oidc from 'openid-client';
import { describe, expect, test } from 'vitest';
import { withoutQuotes } from '../log/quotes.ts';
import { toHeaders } from '../provider/answer-headers.ts';
import { challengeIn } from '../provider/api-challenge.ts';
import { ProviderAnswer } from '../provider/fetch.ts';
import { said } from '../provider/hint-text.ts';
import { readResponse } from '../provider/jarm.ts';
import { inStandardForm } from '../provider/token-answer.ts';
import { growth, linear } from './helpers/growth.ts';

// R23 for what a provider or an API says, where it is put in order and where the log quotes it.

const length = 20_000;

async function expectLinear(prepare: (length: number) => () => unknown): Promise<void> {
  expect(await growth(length, prepare)).toBeLessThan(linear);
}

describe('what a provider or an API sends costs no more than its length', () => {
  test.each([
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
  ])('quotations of %j in a log line', (piece) =>
    expectLinear((size) => {
      const text = piece.repeat(size / piece.length);
      return () => withoutQuotes(text);
    }),
  );

  test.each(['eyJ', 'token=', 'code: ', 'bearer ', '_', 'a_', '\u202e', 'a', '-', '"', 'DPoP: '])(
    '%j in a hint',
    (piece) =>
      expectLinear((size) => {
        const text = piece.repeat(size);
        return () => said(text, 400);
      }),
  );

  test.each([
    ['scope', (size: number) => Array(size).fill('x'.repeat(50))],
    ['expires_in', (size: number) => '1'.repeat(size)],
    ['access_token', (size: number) => 'x'.repeat(size)],
  ])('a token answer with a long %s', (name, value) =>
    expectLinear((size) => {
      const body = { [name]: value(size) };
      const answer = new ProviderAnswer(200, new Headers(), Buffer.from('{}'));
      return () => {
        try {
          inStandardForm(answer, body);
        } catch {
          // Too long: then it is refused.
        }
      };
    }),
  );

  test.each([
    ['acr_values', 'a '],
    ['acr_values', 'idp:'],
    ['scope', 'a'],
    ['scope', ' '],
    ['max_age', '1'],
    ['error_description', 'eyJ'],
  ])('what an API demands by %s of %j', (name, piece) =>
    expectLinear((size) => {
      const parameters = {
        error: 'insufficient_user_authentication',
        [name]: piece.repeat(size / piece.length),
      };
      return () => challengeIn(401, [{ scheme: 'bearer', parameters }]);
    }),
  );

  test('hundreds of challenges of an API', () =>
    expectLinear((size) => {
      const challenges = Array(size).fill({ scheme: 'bearer', parameters: { error: 'invalid_request' } });
      return () => challengeIn(401, challenges);
    }));

  test.each(['a=b,', 'a="b",', 'A b,', 'a="\\"', ','])('challenges of %j', (piece) =>
    expectLinear((size) => {
      const value = `Bearer ${piece.repeat(size / piece.length)}`;
      const message = { headersDistinct: { 'www-authenticate': [value] } } as unknown as IncomingMessage;
      const server = { issuer: 'https://op.example.com', token_endpoint: 'https://op.example.com/token' };
      return async () => {
        const refusal = new ProviderAnswer(401, toHeaders(message), Buffer.from('{}'));
        const configuration = new oidc.Configuration(server, 'app');
        configuration[oidc.customFetch] = async () => refusal;
        await oidc.refreshTokenGrant(configuration, 'a-token').catch(() => {});
      };
    }),
  );

  // At most 16,000 characters are read of an answer.
  const encoded = (text: string) => Buffer.from(text).toString('base64url');
  test.each([
    ['letters', (size: number) => ({ response: 'a'.repeat(size) })],
    ['dots', (size: number) => ({ response: '.'.repeat(size) })],
    ['nested lists', (size: number) => ({ response: `e30.${encoded('['.repeat(size / 2))}.` })],
    ['claims', (size: number) => ({ response: `e30.${encoded(`{${'"a":1,'.repeat(size / 12)}"b":2}`)}.` })],
    [
      'an error beside none',
      (size: number) => ({ error: 'eyJ'.repeat(size), error_description: 'a='.repeat(size) }),
    ],
  ] as [string, (size: number) => Record<string, string>][])(
    'an authorization answer of %s',
    async (_, made) => {
      const ratio = await growth(7_500, (size) => {
        const answer = new URLSearchParams(made(size));
        return () => readResponse(answer);
      });
      expect(ratio).toBeLessThan(linear);
    },
  );
});
