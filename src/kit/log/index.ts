import { hash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import pino, { type DestinationStream, type LogFn, type Logger, type LoggerOptions } from 'pino';
import { instanceId, serviceName } from './instance.ts';
import { besides } from './own-fields.ts';
import { isSecretInLog, withoutSecrets } from './redaction.ts';
import { isProbe, keepRoutes, routeOf } from './route.ts';

export { isSecretName } from './redaction.ts';

export type Log = Logger;

declare module 'node:http' {
  interface IncomingMessage {
    /** The request's id, on the page of an error and on every line about it. */
    id: string;
    log: Log;
  }
}

/**
 * The audit events, by the names a security monitor may count on (OWASP ASVS 16.3).
 * docs/reference.md says what each one means; a test compares the two.
 */
export const auditEvents = [
  'sign_in.started',
  'sign_in.succeeded',
  'sign_in.failed',
  'sign_in.without_auth_time',
  'sign_out',
  'session.ended',
  'session.recheck_failed',
  'claims.changed',
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
  'claims.changed',
  'sign_in.started',
  'sign_in.succeeded',
  'sign_out',
  'session.ended',
  'token.refreshed',
  'store.found',
  'provider.found',
]);

/**
 * The app's logger: JSON lines on `destination` (standard output by default), without anything secret (R20).
 *
 * @param more.mixin what each line bears besides, such as the trace that it is written in
 * @param more.hide takes the site's own secrets out of a line, wherever they stand in it
 */
export function createLog(
  level: string,
  destination?: DestinationStream,
  { mixin, hide }: { mixin?: (() => object) | undefined; hide?: (line: string) => string } = {},
): Log {
  const options: LoggerOptions = {
    level,
    // By names that collectors know (OpenTelemetry's resource attributes).
    base: { 'service.name': serviceName(), 'service.instance.id': instanceId() },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (word) => ({ level: word }), log: withoutSecrets },
    serializers: { err: asItIs },
    hooks: { logMethod: withOneText, streamWrite: hide ? (line) => escapeInLine(hide(line)) : escapeInLine },
    ...(mixin && { mixin, mixinMergeStrategy: withMixin }),
  };
  // In order and at once: a process that ends on an error has logged all that came before it.
  return pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
}

/**
 * JSON escapes the control characters up to U+001F. This escapes more, which reads the same as JSON:
 *
 * - the other control characters, and what turns the direction of text: a terminal that shows a line obeys some of them,
 *   and the rest makes it read as something else (CWE-150)
 * - single quotes, and those that PowerShell takes for one: an operator puts a line between single quotes into a command,
 *   and a path with a quote in it would end theirs (CWE-78)
 */
function escapeInLine(line: string): string {
  return line.replace(escaped, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const escaped = /['\u2018-\u201b\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

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

/** Whose session a request came with, or got. */
export interface Asker {
  /** The session's id; logged as a short hash. */
  session: string;
  iss: string;
  sub: string;
}

/**
 * One line a request, an id for it, and `req.log`, which knows that id. The query is left out where it may contain a code
 * or a token (R20).
 *
 * @param app whose `request` all its requests inherit from
 * @param trusted says whether the caller is a proxy of ours, whose X-Request-Id counts
 * @param askerOf says at the end of a request who asked, as far as that is known by then; reads nothing
 * @param bound has the line written in the request's trace, which its end is no part of
 */
export function requestLog(
  log: Log,
  app: { request: object },
  trusted: (req: IncomingMessage) => boolean,
  askerOf: (req: IncomingMessage) => Asker | undefined = () => undefined,
  bound: (work: () => void) => () => void = (work) => work,
): RequestLog {
  keepRoutes(app);
  // One getter for all, which makes a logger when somebody has something to say: most pages say nothing. A logger made
  // for each request takes 1.12 × the CPU of a page (bench of November 2026).
  Object.defineProperty(app.request, 'log', {
    get(this: IncomingMessage) {
      return log.child({ request_id: this.id }, ofRequest);
    },
  });
  return (req, res, next) => {
    const started = performance.now();
    const given = req.headers['x-request-id'];
    const ours = typeof given !== 'string' || !/^[\w.-]{1,64}$/.test(given) || !trusted(req);
    req.id = ours ? randomUUID() : given;
    const said = () => {
      const route = routeOf(req);
      const level = isProbe(route) ? 'debug' : res.statusCode >= 500 ? 'error' : 'info';
      // Not `req.log`: an Express app in one of the site's routers has given the request another prototype.
      log
        .child({ request_id: req.id })
        [level]({ ...described(req, res, { started, route }), ...whoAsked(askerOf(req)) }, 'request');
    };
    res.on('close', bound(said));
    next();
  };
}

/** For what the site logs about a request: it may contain a `request_id` of somebody else's. */
const ofRequest = {
  formatters: {
    log: (line: object) => withoutSecrets(besides(line as Record<string, unknown>, ['request_id'])),
  },
};

/** A line that is given a text and an object with a text keeps both. */
function withOneText(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  const [line, text] = args as unknown[];
  const isTwice = text !== undefined && isObject(line) && Object.hasOwn(line, 'msg');
  method.apply(this, isTwice ? ([besides(line, ['msg']), ...args.slice(1)] as Parameters<LogFn>) : args);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Error);
}

function withMixin(line: object, own: object): object {
  return { ...own, ...besides(line as Record<string, unknown>, Object.keys(own)) };
}

export type RequestLog = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

function described(
  req: IncomingMessage & { originalUrl?: string },
  res: ServerResponse,
  { started, route }: { started: number; route: string | undefined },
) {
  return {
    method: req.method,
    path: addressOf(req.originalUrl ?? req.url ?? ''),
    ...(route !== undefined && { route }),
    status: res.statusCode,
    ms: Math.round(performance.now() - started),
    // Nobody was there any more to take the answer.
    ...(!res.writableFinished && { aborted: true }),
  };
}

function whoAsked(asker: Asker | undefined) {
  return asker && { session: sessionHash(asker.session), iss: asker.iss, sub: asker.sub };
}

const longestAddress = 1_000;

/** The path, with its query where that is harmless. Express takes /AUTH/ for /auth/, and whole addresses as well. */
function addressOf(url: string): string {
  const local = url.replace(/^https?:\/\/[^/?]*/i, '').slice(0, longestAddress);
  const [path = '', query] = local.split(/\?(.*)/s, 2);
  const telling =
    query === undefined ||
    /^\/(auth\/|signed-out)/i.test(path) ||
    [...new URLSearchParams(query).keys()].some((name) => isSecretInLog(name) || isJwtName(name));
  return telling ? path : local;
}

/** Of what a sign-in sends as one JWT, which holds the code or the state (JARM, RFC 9101). */
function isJwtName(name: string): boolean {
  return /^(?:response|request)$/i.test(name);
}

/** `withoutSecrets` has been there already. */
function asItIs<T>(value: T): T {
  return value;
}
