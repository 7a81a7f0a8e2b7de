import { hash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import pino, { type DestinationStream, type Logger } from 'pino';
import { type HttpLogger, pinoHttp } from 'pino-http';
import { isSecretName, withoutSecrets } from './log/redaction.ts';

export type Log = Logger;

/**
 * The audit events, by the names a security monitor may count on (OWASP ASVS 16.3).
 * README lists what each one means; a test holds the two together.
 */
export const auditEvents = [
  'sign_in.started',
  'sign_in.succeeded',
  'sign_in.failed',
  'sign_out',
  'session.ended',
  'token.refreshed',
  'token.refresh_failed',
  'access.denied',
  'request.cross_origin_refused',
  'request.rate_limited',
  'logout_token.refused',
  'store.lost',
  'store.found',
  'provider.lost',
  'provider.found',
] as const;

export type AuditEvent = (typeof auditEvents)[number];

/** What an audit event may say. Never a token, a code, a cookie or a whole session id (R20). */
export interface AuditDetails {
  iss?: string | undefined;
  sub?: string | undefined;
  /** A session id; logged as a short hash. */
  session?: string | undefined;
  reason?: string | undefined;
  [detail: string]: unknown;
}

/** Writes one audit event; with the request, its id goes into the line. */
export type Audit = (event: AuditEvent, details: AuditDetails, req?: IncomingMessage) => void;

const quiet: ReadonlySet<AuditEvent> = new Set([
  'sign_in.started',
  'sign_in.succeeded',
  'sign_out',
  'session.ended',
  'token.refreshed',
  'store.found',
  'provider.found',
]);

/** The app's logger: JSON lines on `destination` (standard output by default), without anything secret (R20). */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = { level, base: null, formatters: { log: withoutSecrets }, serializers: { err: asItIs } };
  return pino(options, destination ?? pino.destination(1));
}

/** Audit events are log lines too: level `info` for what is in order, `warn` for what is not. */
export function createAudit(log: Log): Audit {
  return (event, { session, ...details }, req) => {
    const line = { event, ...details, ...(session && { session: sessionHash(session) }) };
    const target = (req as { log?: Log } | undefined)?.log ?? log;
    if (quiet.has(event)) target.info(line, event);
    else target.warn(line, event);
  };
}

/** A session id as it may be logged: enough to follow one session, too little to use it. */
export function sessionHash(id: string): string {
  return hash('sha256', id, 'hex').slice(0, 12);
}

/**
 * One line a request, and an id for it. The query is left out where it may hold a code or a token (R20). `trusted`
 * says whether the caller is a proxy of ours, whose X-Request-Id counts.
 */
export function requestLog(log: Log, trusted: (req: IncomingMessage) => boolean): HttpLogger {
  return pinoHttp({
    logger: log,
    genReqId: (req) => {
      const given = req.headers['x-request-id'];
      return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) && trusted(req) ? given : randomUUID();
    },
    // pino-http's own account of a request holds its address with the query, and every header.
    serializers: { req: () => undefined, res: () => undefined, err: asItIs },
    wrapSerializers: false,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'request_id' },
    customLogLevel: (_req, res) => (res.statusCode >= 500 ? 'error' : 'info'),
    customSuccessObject: described,
    // What went wrong stands on a line of the error pages' own, under the same id.
    customErrorObject: (req, res, _error, line) => described(req, res, line),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request',
  });
}

function described(
  req: IncomingMessage & { originalUrl?: string },
  res: ServerResponse,
  { responseTime }: { responseTime: number },
) {
  return {
    method: req.method,
    path: addressOf(req.originalUrl ?? req.url ?? ''),
    status: res.statusCode,
    ms: responseTime,
    // Nobody was there any more to take the answer.
    ...(!res.writableFinished && { aborted: true }),
  };
}

const longestAddress = 1_000;

/** The path, with its query where that is harmless. Express takes /AUTH/ for /auth/, and whole addresses as well. */
function addressOf(url: string): string {
  const local = url.replace(/^https?:\/\/[^/?]*/i, '').slice(0, longestAddress);
  const [path = '', query] = local.split(/\?(.*)/s, 2);
  const telling =
    query === undefined ||
    /^\/(auth\/|signed-out)/i.test(path) ||
    [...new URLSearchParams(query).keys()].some(isSecretName);
  return telling ? path : local;
}

/** `withoutSecrets` has been there already. */
function asItIs<T>(value: T): T {
  return value;
}
