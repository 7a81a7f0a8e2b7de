import { hash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import pino, { type DestinationStream, type Logger } from 'pino';
import { type HttpLogger, pinoHttp } from 'pino-http';

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

/** Names that never reach a log, wherever a careless line puts them. */
const secretNames = [
  'access_token',
  'refresh_token',
  'id_token',
  'logout_token',
  'code',
  'code_verifier',
  'client_secret',
  'client_assertion',
  'cookie',
  'authorization',
  'password',
];

/** The app's logger: JSON lines on `destination` (standard output by default). */
export function createLog(level: string, destination?: DestinationStream): Log {
  const paths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino(
    { level, base: null, redact: { paths: [...paths, '*.headers["set-cookie"]'], censor: '[redacted]' } },
    destination ?? pino.destination(1),
  );
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
 * One line a request, and an id for it. The query is left out on the sign-in's addresses, where it may hold a
 * code (R20). `trusted` says whether the caller is a proxy of ours, whose X-Request-Id counts.
 */
export function requestLog(log: Log, trusted: (req: IncomingMessage) => boolean): HttpLogger {
  return pinoHttp({
    logger: log,
    genReqId: (req) => {
      const given = req.headers['x-request-id'];
      return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) && trusted(req) ? given : randomUUID();
    },
    // pino-http's own account of a request holds its address with the query, and every header.
    serializers: { req: () => undefined, res: () => undefined, err: pino.stdSerializers.err },
    wrapSerializers: false,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'request_id' },
    customLogLevel: (_req, res) => (res.statusCode >= 500 ? 'error' : 'info'),
    customSuccessObject: (req, res, line) => ({ ...described(req, res), ms: line.responseTime }),
    customErrorObject: (req, res) => described(req, res),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request failed',
  });
}

function described(req: IncomingMessage & { originalUrl?: string }, res: { statusCode: number }) {
  const url = req.originalUrl ?? req.url ?? '';
  const path = url.startsWith('/auth/') || url.startsWith('/signed-out') ? url.split('?')[0] : url;
  return { method: req.method, path, status: res.statusCode };
}
