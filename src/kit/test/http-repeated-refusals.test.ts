import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withoutFloods } from '../http/repeated-refusals.ts';
import type { AuditDetails, AuditEvent } from '../log/index.ts';
import { atLeast, type LogLine, type TestApp } from './helpers/app.ts';
import { startAppWithRoutes } from './helpers/app-with-routes.ts';

// Another site can have its visitors' browsers post to any address here, as often as it likes.

const perMinute = 10;

describe('the audit trail', () => {
  let written: [AuditEvent, AuditDetails][];
  let limited: ReturnType<typeof withoutFloods>;
  const refuse = (ip: string, times: number, event: AuditEvent = 'request.cross_origin_refused') => {
    for (let count = 0; count < times; count++) limited.audit(event, { reason: 'a form' }, { ip } as never);
  };

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    written = [];
    limited = withoutFloods((event, details) => void written.push([event, details]));
  });
  afterEach(() => void vi.useRealTimers());

  test('has so many refusals of one client in a minute, and then how many more there were', () => {
    refuse('192.0.2.1', 500);
    expect(written).toHaveLength(perMinute);
    vi.advanceTimersByTime(60_000);
    expect(written.slice(perMinute)).toEqual([
      ['request.cross_origin_refused', { reason: 'repeated', 'client.address': '192.0.2.1', requests: 490 }],
    ]);
    refuse('192.0.2.1', 500);
    expect(written).toHaveLength(2 * perMinute + 1);
  });

  test('has those of another client meanwhile, and nothing more of one who stops in time', () => {
    refuse('192.0.2.1', 500);
    refuse('192.0.2.2', perMinute);
    expect(written).toHaveLength(2 * perMinute);
    vi.advanceTimersByTime(60_000);
    expect(written).toHaveLength(2 * perMinute + 1);
  });

  test('takes a network in IPv6 for one client', () => {
    for (let end = 1; end <= 500; end++) refuse(`2001:db8::${end.toString(16)}`, 1);
    expect(written).toHaveLength(perMinute);
  });

  test('does not grow with the number of clients', () => {
    for (let count = 0; count < 5_000; count++) refuse(`10.${count & 255}.${count >> 8}.1`, 20);
    expect(written).toHaveLength(101 * perMinute);
    vi.advanceTimersByTime(60_000);
    expect(written).toHaveLength(101 * perMinute + 101);
    expect(written.at(-1)?.[1]).toEqual({
      reason: 'repeated',
      'client.address': undefined,
      requests: 4_900 * 20 - perMinute,
    });
  });

  test.each<[string, (count: number) => string]>([
    ['a /48 of IPv6', (count) => `2001:db8:7:${(count << 8).toString(16)}::1`],
    ['a /32 of IPv6', (count) => `2001:db8:${count.toString(16)}::1`],
    ['65,536 addresses of IPv4', (count) => `198.51.${count}.1`],
  ])('has room for others, though the first comer has %s', (_what, address) => {
    for (let count = 0; count < 250; count++) refuse(address(count), 20);
    expect(written).toHaveLength(5 * perMinute);
    written = [];
    for (const other of ['192.0.2.1', '2001:db9::1', '198.52.0.1']) refuse(other, 1);
    expect(written).toHaveLength(3);
    vi.advanceTimersByTime(60_000);
    const [last] = written.slice(-1);
    expect(last?.[1]).toEqual({
      reason: 'repeated',
      'client.address': undefined,
      requests: 246 * 20 - perMinute,
    });
  });

  test('has at a stop what was only counted so far, once', () => {
    refuse('192.0.2.1', 25);
    limited.close();
    expect(written.slice(perMinute)).toEqual([
      ['request.cross_origin_refused', { reason: 'repeated', 'client.address': '192.0.2.1', requests: 15 }],
    ]);
    limited.close();
    vi.advanceTimersByTime(60_000);
    expect(written).toHaveLength(perMinute + 1);
  });

  test('has every other event, however many there are', () => {
    const events = ['sign_in.failed', 'access.denied', 'session.ended', 'logout_token.refused'] as const;
    for (const event of events) refuse('192.0.2.1', 100, event);
    expect(written).toHaveLength(events.length * 100);
  });
});

/** What operators get of a request, at the usual level. Of the provider, which is away, there are lines too. */
const isWhole = (line: LogLine) => atLeast('info')(line) && line.request_id !== undefined;

describe('the log of an app that another site posts to', () => {
  let app: TestApp;
  beforeEach(async () => {
    const settings = {
      OIDC_ISSUER: 'http://127.0.0.1:9',
      OIDC_CLIENT_ID: 'app',
      OIDC_CLIENT_SECRET: 'a secret of it',
    };
    app = await startAppWithRoutes(settings, {});
  });
  afterEach(() => app?.stop());

  test.each(['/auth/logout', '/sessions/end-all', '/no/such/page'])(
    'has one line for each request to %s in the end, which is the one that every request has',
    async (path) => {
      const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' };
      const post = () => fetch(app.url(path), { method: 'POST', headers });
      const requests = () => app.lines.filter(({ msg }) => msg === 'request').length;
      for (let count = 0; count < perMinute; count++) await post();
      await vi.waitFor(() => expect(requests()).toBe(perMinute));
      expect(app.events('request.cross_origin_refused')).toHaveLength(perMinute);
      expect(app.lines.filter(isWhole)).toHaveLength(3 * perMinute);
      app.lines.length = 0;
      const statuses = new Set<number>();
      for (let count = 0; count < 50; count++) statuses.add((await post()).status);
      expect([...statuses].every((status) => status >= 400)).toBe(true);
      await vi.waitFor(() => expect(requests()).toBe(50));
      expect(app.lines.filter(isWhole)).toHaveLength(50);
    },
  );

  test('has at its stop how many there were besides', async () => {
    const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' };
    for (let count = 0; count < perMinute + 3; count++)
      await fetch(app.url('/auth/logout'), { method: 'POST', headers });
    await app.stop();
    expect(app.events('request.cross_origin_refused').at(-1)).toMatchObject({
      reason: 'repeated',
      requests: 3,
    });
  });
});
