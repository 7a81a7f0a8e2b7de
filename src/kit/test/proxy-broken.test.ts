import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { expectProblem, nextPiece, openUpload, startProxied } from './helpers/proxied.ts';

// What breaks on one side of `proxy` is known on the other.

afterEach(() => void vi.useRealTimers());

describe('what breaks', () => {
  test('a script that goes away ends the request at the API, in the middle of a body or of an answer', async () => {
    const { app, api, caller } = await startProxied({ answer: (_req, res) => void res.write('one') });
    const alice = await caller();
    const answer = await alice.open();
    await nextPiece(answer);
    answer.destroy();
    await (await api.call(1)).closed;
    api.now(() => {});
    const { outgoing } = openUpload(app.url, alice, { 'Content-Length': '100' });
    outgoing.write('one');
    const { closed } = await api.call(2);
    outgoing.destroy();
    await closed;
    // Before there is an answer.
    const waiting = openUpload(app.url, alice);
    waiting.outgoing.end();
    const third = await api.call(3);
    waiting.outgoing.destroy();
    await third.closed;
    expect(app.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });

  test('an API that goes away in the middle is a broken answer, and before it a 503', async () => {
    const { app, api, caller } = await startProxied({ answer: (_req, res) => void res.write('one') });
    const alice = await caller();
    const answer = await alice.open();
    await nextPiece(answer);
    (await api.call(1)).res.destroy();
    await expect(once(answer, 'end')).rejects.toThrow('aborted');
    const said = () => app.log.find(({ msg }) => msg === "an API's answer broke off");
    expect(await vi.waitUntil(said)).toMatchObject({ api: new URL(api.url).origin });
    api.now((_req, res) => void res.destroy());
    expectProblem(await alice.send({ method: 'POST', body: 'a' }), 503);
    await api.stop();
    for (const method of ['GET', 'POST']) {
      const away = await alice.send({ method, body: method === 'POST' ? 'abc' : undefined } as never);
      expectProblem(away, 503);
      expect(Number(away.headers['retry-after'])).toBeGreaterThan(0);
    }
  });

  test('a call in which no byte comes or goes for 30 seconds is given up', async () => {
    const { app, api, caller } = await startProxied({ answer: () => {} });
    const alice = await caller();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const waiting = alice.send();
    const first = await api.call(1);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(first.res.destroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expectProblem(await waiting, 503);
    await first.closed;
    // Each byte of an answer counts, and of a body.
    api.now((_req, res) => void res.write('one'));
    const answer = await alice.open();
    await nextPiece(answer);
    await vi.advanceTimersByTimeAsync(20_000);
    (await api.call(2)).res.write('two');
    await nextPiece(answer);
    await vi.advanceTimersByTimeAsync(20_000);
    (await api.call(2)).res.write('three');
    expect(await nextPiece(answer)).toBe('three');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(answer.destroyed).toBe(false);
    const broken = expect(once(answer, 'end')).rejects.toThrow('aborted');
    await vi.advanceTimersByTimeAsync(10_000);
    await broken;
    api.now(() => {});
    const upload = openUpload(app.url, alice);
    for (const piece of ['one', 'two', 'three']) {
      upload.outgoing.write(piece);
      const call = await api.call(3);
      while (!call.body.endsWith(piece)) await sleep(5);
      await vi.advanceTimersByTimeAsync(20_000);
    }
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await upload.answer).statusCode).toBe(503);
  });
});
