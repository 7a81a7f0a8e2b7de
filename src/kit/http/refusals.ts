import { randomUUID } from 'node:crypto';
import { IncomingMessage, type Server, ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Express } from 'express';
import { inWords } from '../errors/in-words.ts';
import { plainPages } from '../errors/plain-pages.ts';
import type { Log } from '../log/index.ts';
import { withInlineStyles } from './inline-styles.ts';
import { createLineBudget } from './line-budget.ts';
import type { PolicyAdditions } from './policy-additions.ts';
import { firstLanguage } from './request-language.ts';
import { securityHeaders } from './security-headers.ts';

/** Answers with a page what never became a request that the app could answer. */
export interface Refusals {
  /** On a response that nothing was written to. */
  answer(res: ServerResponse, status: number): void;
  /** Has a server answer so what Node itself refuses. */
  watch(server: Server): void;
}

/** Whoever is still sending may go on for so long: closed at once, their system would throw our answer away. */
const lingerMs = 2_000;

/** In a minute, at level info; the others at debug. Port scanners send nothing else. */
const mostLines = 10;

/**
 * The same headers and pages as everywhere, for requests that Node could not read. They are in the site's first language,
 * as which one was asked for was not read either.
 */
export function createRefusals(
  app: Express,
  log: Log,
  site: { baseUrl: string; additions?: PolicyAdditions | undefined },
): Refusals {
  const headers = { ...headersOfAll(site), 'cache-control': 'no-store', connection: 'close' };
  const lines = createLineBudget(mostLines);

  function tell(status: number, reason: string, socket: Socket | null): string {
    const request_id = randomUUID();
    const line = { request_id, status, reason, peer: socket?.remoteAddress };
    log[lines.isLeft() ? 'info' : 'debug'](
      status === 431 ? { ...line, hint: tooManyCookies } : line,
      'a request was refused before it was read',
    );
    return request_id;
  }

  function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    const status = statusOf(error.code, socket);
    if (status === undefined || !mayWrite(socket)) return void socket.destroy();
    // Nothing that comes now is a request: one that took too long must not be carried out after all.
    socket.removeAllListeners('data').on('data', () => {});
    const requestId = tell(status, error.code ?? '', socket);
    printed(app, status, requestId, ({ type, body: page }) => {
      const policy = headers['content-security-policy'];
      // A browser with too many cookies sends them for its styles too.
      const styled = status === 431 ? withInlineStyles(app, page, policy) : { html: page, policy };
      const fields = { ...headers, 'content-security-policy': styled.policy, 'content-type': type };
      socket.end(written(status, { ...fields, date: new Date().toUTCString() }, styled.html));
    });
    setTimeout(() => socket.destroy(), lingerMs).unref();
  }

  return {
    answer(res, status) {
      const requestId = tell(status, 'no path', res.socket);
      printed(app, status, requestId, ({ type, body }) => {
        res.writeHead(status, {
          ...headers,
          'content-type': type,
          'content-length': Buffer.byteLength(body),
        });
        res.end(body);
      });
    },
    watch(server) {
      const refused = new WeakSet<object>();
      server.on('clientError', (error, socket) => {
        // Its parser fails again with each part that still comes.
        if (refused.has(socket)) return;
        refused.add(socket);
        refuse(error, socket as Socket);
      });
    },
  };
}

/** An answer as a socket sends it. */
function written(status: number, headers: Readonly<Record<string, string>>, body: string): string {
  const fields = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body) });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const tooManyCookies =
  'the request line and the headers had more than 16 KB, mostly cookies: those of other apps at this host, or for its whole domain, count too';

/** Undefined for what nobody waits for an answer to: a broken connection, or one that nothing ever came by. */
function statusOf(code: string | undefined, { bytesRead }: Socket): number | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return bytesRead > 0 ? 408 : undefined;
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 413;
  return code?.startsWith('HPE_') ? 400 : undefined;
}

/** How Node itself knows the answer that a connection is for, and the request that it reads. */
interface HttpSocket extends Socket {
  _httpMessage?: ServerResponse | null;
  parser?: { incoming?: IncomingMessage | null } | null;
}

/**
 * Not where a part of an answer is out, nor where an earlier request on this connection waits for its own: the page would
 * be taken for that. Nor where a request was answered before its body came to an end: the page would be taken for the
 * answer to the next one (RFC 9112 §9.2).
 */
function mayWrite({ writable, _httpMessage: open, parser }: HttpSocket): boolean {
  if (open) return writable && !open.headersSent && !open.req.complete;
  return writable && parser?.incoming?.complete !== false;
}

/** What `securityHeaders` sets. */
function headersOfAll(site: { baseUrl: string; additions?: PolicyAdditions | undefined }) {
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  securityHeaders(site)(req as never, res as never, () => {});
  return res.getHeaders() as Record<string, string> & { 'content-security-policy': string };
}

/** The page, or its words where the page fails itself. */
function printed(
  app: Express,
  status: number,
  requestId: string,
  done: (page: { type: string; body: string }) => void,
): void {
  const language = firstLanguage(app);
  const words = inWords(plainPages.byStatus[status] ?? plainPages.broken, language);
  const model = { ...words, status, requestId, lang: language.tag, kitText: language.text };
  const asText = () =>
    [words.title, words.text.join('\n'), `${language.text('error.request-id')} ${requestId}\n`].join('\n\n');
  app.render('message', model, (error: unknown, html?: string) => {
    if (!error && html !== undefined) done({ type: 'text/html; charset=utf-8', body: html });
    else done({ type: 'text/plain; charset=utf-8', body: asText() });
  });
}
