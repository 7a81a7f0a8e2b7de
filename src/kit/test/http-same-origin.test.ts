import express, { type ErrorRequestHandler } from 'express';
import supertest from 'supertest';
import { beforeEach, describe, expect, test } from 'vitest';
import { inWords } from '../errors/in-words.ts';
import { english } from '../errors/language.ts';
import { sameOrigin } from '../http/same-origin.ts';

const baseUrl = 'https://app.example.com';
const audited: unknown[][] = [];
let changes = 0;

const app = express();
app.use(
  sameOrigin({
    baseUrl,
    exempt: (path) => path === '/auth/backchannel-logout',
    audit: (event, { reason }) => void audited.push([event, reason]),
  }),
);
app.all('/{*any}', (_req, res) => {
  changes += 1;
  res.send('done');
});
const printError: ErrorRequestHandler = (error, _req, res, _next) =>
  void res.status(error.status).json(inWords(error.page, english));
app.use(printError);
const client = supertest(app);

beforeEach(() => {
  changes = 0;
  audited.length = 0;
});

describe('a request that changes something', () => {
  test.each([
    ['our own page', { 'Sec-Fetch-Site': 'same-origin' }],
    ['our own page, in a browser that says both', { 'Sec-Fetch-Site': 'same-origin', Origin: baseUrl }],
    ['our own page, in an older browser', { Origin: baseUrl }],
  ])('is taken from %s', async (_who, headers) => {
    for (const method of ['post', 'put', 'patch', 'delete'] as const) {
      expect((await client[method]('/x').set(headers)).status).toBe(200);
    }
    expect(changes).toBe(4);
    expect(audited).toEqual([]);
  });

  test.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }, 'Sec-Fetch-Site: cross-site'],
    ['a sister of our site', { 'Sec-Fetch-Site': 'same-site' }, 'Sec-Fetch-Site: same-site'],
    ['a bookmark', { 'Sec-Fetch-Site': 'none' }, 'Sec-Fetch-Site: none'],
    [
      'another site that claims our Origin',
      { 'Sec-Fetch-Site': 'cross-site', Origin: baseUrl },
      'Sec-Fetch-Site: cross-site',
    ],
    ['a header of two minds', { 'Sec-Fetch-Site': 'same-origin, cross-site' }, 'Sec-Fetch-Site is not valid'],
    ['a header in capitals', { 'Sec-Fetch-Site': 'Same-Origin' }, 'Sec-Fetch-Site is not valid'],
    ['an empty header', { 'Sec-Fetch-Site': '', Origin: baseUrl }, 'Sec-Fetch-Site is not valid'],
    ['another origin', { Origin: 'https://evil.example' }, 'Origin is not BASE_URL'],
    ['an origin that begins like ours', { Origin: `${baseUrl}.evil.example` }, 'Origin is not BASE_URL'],
    ['our host on another port', { Origin: `${baseUrl}:8443` }, 'Origin is not BASE_URL'],
    ['our host on plain http', { Origin: 'http://app.example.com' }, 'Origin is not BASE_URL'],
    ['a sandboxed frame', { Origin: 'null' }, 'Origin is not BASE_URL'],
    ['a program', {}, 'neither Sec-Fetch-Site nor Origin'],
    ['a program with a Referer', { Referer: `${baseUrl}/` }, 'neither Sec-Fetch-Site nor Origin'],
  ])('is refused from %s', async (_who, headers, reason) => {
    for (const method of ['put', 'patch', 'delete'] as const) {
      expect((await client[method]('/x').set(headers as Record<string, string>)).status).toBe(403);
    }
    audited.length = 0;
    const { status, body } = await client.post('/x').set(headers as Record<string, string>);
    expect(status).toBe(403);
    expect(body.title).toBe('We blocked this request');
    expect(changes).toBe(0);
    expect(audited).toEqual([['request.cross_origin_refused', reason]]);
  });

  test('may come from anywhere at the exempted address, and at no other that looks like it', async () => {
    expect((await client.post('/auth/backchannel-logout').set('Sec-Fetch-Site', 'cross-site')).status).toBe(
      200,
    );
    for (const path of [
      '/auth/backchannel-logout/',
      '/x?/auth/backchannel-logout',
      '//auth/backchannel-logout',
    ]) {
      expect((await client.post(path)).status, path).toBe(403);
    }
  });

  test('is a matter of the method: reading is free', async () => {
    for (const method of ['get', 'head', 'options'] as const) {
      expect((await client[method]('/x').set('Sec-Fetch-Site', 'cross-site')).status).toBe(200);
    }
  });
});
