import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listener } from '../http/listener.ts';
import { createLog } from '../log/index.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// The line that begins a request holds whatever somebody wrote there. Browsers send a path; this is about the others.

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair?.stop());

/** All that comes back, once the other side has closed the connection. */
function send(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(new URL(pair.app.origin).port), '127.0.0.1', () => socket.write(text));
    socket.setEncoding('latin1').on('data', (part) => (answer += part));
    socket.on('end', () => resolve(answer)).on('error', reject);
  });
}

describe('a request whose target has no path', () => {
  const targets = ['http://', 'https://', 'http://@', 'http://[::1/', 'http://[/profile'];
  test.each(targets)('%s is answered, and its connection ends', async (target) => {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
      const answer = await send(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(answer, method).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
  });
});

test('an error that no error page can print is answered too, and logged', async () => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const broken = (_req: unknown, _res: unknown, next: (error: Error) => void) => next(new Error('no page'));
  const server = createServer(listener(broken as never, log));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const status = await new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1' }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end();
  });
  await new Promise((resolve) => server.close(resolve));
  expect(status).toBe(500);
  expect(lines.join()).toContain('no page');
});
