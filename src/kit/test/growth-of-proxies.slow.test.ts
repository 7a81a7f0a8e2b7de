import { describe, expect, test, vi } from 'vitest';
import { answerHeaders } from '../tokens/proxy/answer-headers.ts';
import { isEventStream } from '../tokens/proxy/events.ts';
import { isBelow, pathBelow } from '../tokens/proxy/path.ts';
import { requestHeaders } from '../tokens/proxy/request-headers.ts';
import { growth, linear } from './helpers/growth.ts';

// What a proxied request is looked at for costs no more than its length (R23).

vi.setConfig({ testTimeout: 60_000 });

const proxy = '/api/notes';
const repeated = (letters: string, size: number) => letters.repeat(Math.ceil(size / letters.length));
const base = new URL('https://api.example.com/v1');
const place = { url: new URL('https://api.example.com/v1/a'), base, path: proxy };

test.each([
  ...['/', '/.', '/..;', ';', '%', '%25', '%2525', '%2e%2e', '%2f', '\\', '%25c0', '%c3%a4', '/%2e', '/.%20'],
])('a path of %j again and again', async (letters) => {
  const work = (size: number) => {
    const path = `${proxy}/${repeated(letters, size)}`;
    return () => isBelow(path, proxy) && pathBelow(path, proxy);
  };
  expect(await growth(50_000, work)).toBeLessThan(linear);
});

describe.each([',', ' ', 'a,', ' ,\t', 'x-a,'])('headers of %j again and again', (letters) => {
  test('in Connection', async () => {
    const work = (size: number) => {
      const connection = repeated(letters, size);
      const given = { connection, etag: '"7"', 'if-match': '"7"', 'x-a': 'a' };
      return () => [requestHeaders(given, ['x-a']), answerHeaders(given, ['x-a'], place)];
    };
    expect(await growth(50_000, work)).toBeLessThan(linear);
  });

  test('in Location, and in the type', async () => {
    const work = (size: number) => {
      const text = repeated(letters, size);
      const all = [text, `/v1/${text}`, `//${text}`, `https://${text}`].map((location) => ({ location }));
      return () => [...all.map((given) => answerHeaders(given, [], place)), isEventStream(text)];
    };
    expect(await growth(50_000, work)).toBeLessThan(linear);
  });
});
