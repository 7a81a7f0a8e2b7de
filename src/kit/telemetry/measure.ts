import { type Attributes, context, metrics, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Config } from '../config/index.ts';
import type { AuditDetails, AuditEvent } from '../log/index.ts';
import type { Apis } from '../provider/index.ts';
import type { Sessions } from '../store/index.ts';
import { outgoingCalls } from './calls.ts';
import type { Telemetry } from './contract.ts';
import { type Health, noteHealth, openGauges } from './gauges.ts';
import { redisTelemetry } from './redis.ts';
import { requestTelemetry } from './requests.ts';
import { hasMetrics, hasTraces, isAttached, scope } from './state.ts';

/** The hooks of an app that has an SDK; undefined where what is attached to the API is none. */
export function measure(config: Config, apis: Apis): Telemetry | undefined {
  if (!isAttached()) return undefined;
  const names = new Map(config.providers.map(({ issuer, name }) => [issuer, name]));
  const health: Health = { store: 1, providers: new Map() };
  const count = auditCounts();
  const { providerCall, tracedProvider } = outgoingCalls(apis);
  let closeGauges = () => {};
  return {
    measuredAudit: (audit) => (event, details, req) => {
      count(event, details);
      noteHealth(health, event, details);
      // Whichever request noticed first began the attempts to reach the store: the line is not about its trace.
      if (event.startsWith('store.')) context.with(ROOT_CONTEXT, () => audit(event, details, req));
      else audit(event, details, req);
    },
    measuredSessions(sessions) {
      if (hasMetrics()) closeGauges = openGauges(health, names, () => sessions.count());
      return countingErrors(sessions);
    },
    providerCall,
    tracedProvider,
    ...(config.redis.urls.length > 0 && { redisCommand: redisTelemetry(config.redis) }),
    requests: requestTelemetry(config.baseUrl),
    ...(hasTraces() && { bound }),
    close: () => closeGauges(),
  };
}

/** As `context.bind`, which defines a property on each function that it makes. */
function bound(work: () => void): () => void {
  const active = context.active();
  return () => context.with(active, work);
}

function counter(name: string, unit: string, description: string) {
  return metrics.getMeter(scope).createCounter(name, { unit, description });
}

function auditCounts(): (event: AuditEvent, details: AuditDetails) => void {
  const signIns = counter('app.sign_ins', '{sign_in}', 'Sign-ins that came to an end, by result');
  const signOuts = counter('app.sign_outs', '{session}', 'Sessions that were ended, by cause');
  const refreshes = counter('app.token_refreshes', '{refresh}', 'Token refreshes, by result');
  const counts: Partial<Record<AuditEvent, (details: AuditDetails) => void>> = {
    'sign_in.succeeded': () => signIns.add(1, { result: 'succeeded' }),
    'sign_in.failed': ({ reason }) => signIns.add(1, failed(reason)),
    sign_out: () => signOuts.add(1, { cause: 'signed-out' }),
    // An operator may have ended many at once, which is one event.
    'session.ended': ({ reason = 'unknown', sessions }) =>
      signOuts.add(Number(sessions ?? 1), { cause: reason }),
    'token.refreshed': () => refreshes.add(1, { result: 'succeeded' }),
    'token.refresh_failed': ({ reason }) => refreshes.add(1, failed(reason)),
  };
  return (event, details) => counts[event]?.(details);
}

function failed(reason = 'unknown'): Attributes {
  return { result: 'failed', 'error.type': reason };
}

function countingErrors(sessions: Sessions): Sessions {
  const errors = counter('app.store.errors', '{request}', 'Requests whose session could not be read');
  const { store } = sessions;
  const get = store.get.bind(store);
  store.get = (id, done) =>
    get(id, (error, session) => {
      if (error) errors.add(1, { 'error.type': error.name });
      done(error, session);
    });
  return sessions;
}
