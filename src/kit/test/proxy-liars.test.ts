import { describe, expect, test } from 'vitest';
import { startRawApi } from './helpers/lying-api.ts';
import { expectInert, startProxied } from './helpers/proxied.ts';

// An API whose answers are no proper HTTP: bounded, and nothing of it passes that it has not said in order.

describe('an answer', () => {
  async function answered(...lines: string[]) {
    const { url } = await startRawApi((socket) => void socket.end(lines.join('\r\n'), 'latin1'));
    const { caller } = await startProxied({ url });
    const alice = await caller();
    return alice.send().catch((error: Error) => error.message);
  }
  const ok = 'HTTP/1.1 200 OK';

  test.each([
    ['no type', [ok, 'Content-Length: 1', '', '<'], 'application/octet-stream'],
    ['an empty type', [ok, 'Content-Type: ', 'Content-Length: 1', '', '<'], 'application/octet-stream'],
    [
      'two types',
      [ok, 'Content-Type: text/html', 'Content-Type: image/svg+xml', 'Content-Length: 1', '', '<'],
      'text/html',
    ],
    [
      'letters that are not ASCII',
      [ok, 'Content-Type: text/plain; x=\xe4', 'Content-Length: 1', '', '<'],
      'text/plain; x=\xe4',
    ],
  ])('with %s has one type', async (_name, lines, type) => {
    const answer = await answered(...lines);
    if (typeof answer === 'string') throw new Error(answer);
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([200, type, '<']);
    expectInert(answer);
  });

  test.each([
    ['two lengths', [ok, 'Content-Length: 1', 'Content-Length: 2', '', 'ab']],
    [
      'a length and chunks',
      [ok, 'Content-Length: 1', 'Transfer-Encoding: chunked', '', '1', 'a', '0', '', ''],
    ],
    ['a length that is none', [ok, 'Content-Length: -1', '', 'ab']],
    ['another protocol', ['HTTP/1.1 101 Switching Protocols', 'Upgrade: h2c', 'Connection: Upgrade', '', '']],
    ['status 600', ['HTTP/1.1 600 What', 'Content-Length: 0', '', '']],
    ['status 999', ['HTTP/1.1 999 What', 'Content-Length: 0', '', '']],
    ['status 99', ['HTTP/1.1 099 What', 'Content-Length: 0', '', '']],
    ['no HTTP', ['SSH-2.0-OpenSSH_9.9', '']],
    ['nothing', ['']],
    ['headers without end', [ok, `X: ${'a'.repeat(20_000)}`, '', 'a']],
    ['a NUL in a header', [ok, 'ETag: "a\0b"', 'Content-Length: 1', '', 'a']],
    ['a line feed in a header', [ok, 'ETag: "a"\nSet-Cookie: a=b', 'Content-Length: -', '', 'a']],
  ])('with %s is no answer: a problem of ours, and nothing of it', async (_name, lines) => {
    const answer = await answered(...lines);
    if (typeof answer === 'string') throw new Error(answer);
    expect([502, 503]).toContain(answer.status);
    expectInert(answer);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  test.each([
    ['shorter than it says', [ok, 'Content-Length: 10', '', 'abc']],
    ['chunks without an end', [ok, 'Transfer-Encoding: chunked', '', '3', 'abc', '']],
    ['a chunk that is none', [ok, 'Transfer-Encoding: chunked', '', '3', 'abc', 'zz', '']],
  ])('that is %s is broken for the script too', async (_name, lines) => {
    expect(await answered(...lines)).toMatch(/aborted|socket hang up|ECONNRESET/);
  });

  test.each([
    ['longer than it says', [ok, 'Content-Length: 3', '', 'abcdef']],
    [
      'two answers',
      [ok, 'Content-Length: 3', '', `abc${ok}`, 'Set-Cookie: a=b', 'Content-Length: 0', '', ''],
    ],
    [
      '102 and 103 first',
      ['HTTP/1.1 102 Wait', '', 'HTTP/1.1 103 Early', 'Link: </a>', '', ok, 'Content-Length: 3', '', 'abc'],
    ],
    ['until the connection ends', [ok, '', 'abc']],
    ['with trailers', [ok, 'Transfer-Encoding: chunked', '', '3', 'abc', '0', 'Set-Cookie: a=b', '', '']],
  ])('that is %s gives the first whole one', async (_name, lines) => {
    const answer = await answered(...lines);
    if (typeof answer === 'string') throw new Error(answer);
    expect([answer.status, answer.body, answer.headers['set-cookie']]).toEqual([200, 'abc', undefined]);
    expectInert(answer);
  });
});
