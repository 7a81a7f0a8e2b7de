import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { metrics, type Observable, type ObservableResult } from '@opentelemetry/api';
import type { AuditDetails, AuditEvent } from '../log/index.ts';
import { scope } from './state.ts';

/** How often the event loop is looked at; it wakes the process for it. */
const resolutionMs = 20;

/** Counting asks Redis: what takes longer is not waited for, and the last number is given. */
const countPatienceMs = 500;

/** What an audit event says about the store and the providers: 1 for up. */
export interface Health {
  store: 0 | 1;
  /** By issuer. */
  providers: Map<string, 0 | 1>;
}

/** Keeps what the audit events say. */
export function noteHealth(health: Health, event: AuditEvent, { iss }: AuditDetails): void {
  if (event === 'store.lost') health.store = 0;
  else if (event === 'store.found') health.store = 1;
  else if (event === 'provider.lost' && iss !== undefined) health.providers.set(iss, 0);
  else if (event === 'provider.found' && iss !== undefined) health.providers.set(iss, 1);
}

/**
 * What is looked up each time the metrics are collected.
 *
 * @param names of the providers, by issuer
 * @returns what ends it
 */
export function openGauges(
  health: Health,
  names: ReadonlyMap<string, string>,
  countSessions: () => Promise<number | undefined>,
): () => void {
  const meter = metrics.getMeter(scope);
  const callbacks: [Observable, (result: ObservableResult) => unknown][] = [];
  const gauge = (
    name: string,
    unit: string,
    description: string,
    look: (result: ObservableResult) => unknown,
  ) => {
    const made = meter.createObservableGauge(name, { unit, description });
    made.addCallback(look as (result: ObservableResult) => void);
    callbacks.push([made, look]);
  };

  const sessions = counted(countSessions);
  gauge('app.sessions.open', '{session}', 'Sessions in the store, of all instances', async (result) => {
    const number = await sessions();
    if (number !== undefined) result.observe(number);
  });
  gauge('app.store.up', '', '1 while the store answers', (result) => result.observe(health.store));
  gauge('app.provider.up', '', '1 while the identity provider answers', (result) => {
    for (const [iss, name] of names) result.observe(health.providers.get(iss) ?? 1, { 'app.provider': name });
  });

  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  // It counts from one look to the next, the time between the looks included.
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000) || 0;
  gauge('nodejs.eventloop.delay.p50', 's', 'Event loop delay, median', (result) =>
    result.observe(seconds(delay.percentile(50))),
  );
  gauge('nodejs.eventloop.delay.p99', 's', 'Event loop delay, 99th percentile', (result) =>
    result.observe(seconds(delay.percentile(99))),
  );
  // The last that is looked at: the next collection begins anew.
  gauge('nodejs.eventloop.delay.max', 's', 'Event loop delay, longest', (result) => {
    result.observe(seconds(delay.max));
    delay.reset();
  });
  let last = performance.eventLoopUtilization();
  gauge(
    'nodejs.eventloop.utilization',
    '1',
    'Share of the time in which the event loop is busy',
    (result) => {
      const now = performance.eventLoopUtilization();
      result.observe(performance.eventLoopUtilization(now, last).utilization);
      last = now;
    },
  );

  return () => {
    delay.disable();
    for (const [made, look] of callbacks) made.removeCallback(look as (result: ObservableResult) => void);
  };
}

/** The last number that was got, where a new one does not come in time; none while the store is away. */
function counted(count: () => Promise<number | undefined>): () => Promise<number | undefined> {
  let last: number | undefined;
  let counting: Promise<void> | undefined;
  return async () => {
    counting ??= count()
      .then((number) => {
        last = number;
      })
      .catch(() => {
        last = undefined;
      })
      .finally(() => {
        counting = undefined;
      });
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, countPatienceMs).unref();
    await Promise.race([counting, promise]);
    clearTimeout(timer);
    return last;
  };
}
