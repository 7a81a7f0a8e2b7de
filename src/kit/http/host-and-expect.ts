import type { RequestListener, Server } from 'node:http';
import type { RequestHandler } from 'express';
import type { ErrorWithMessage } from '../errors/message.ts';
import { plainPages } from '../errors/plain-pages.ts';

const unmet = new WeakSet<object>();

/** Node's own checks off, as it answers without a word what `hostAndExpect` answers by a page. */
export const leftToUs = { requireHostHeader: false } as const;

/** The same for a request that expects something else than `100-continue`. */
export function passOnExpectations(server: Server, listener: RequestListener): void {
  server.on('checkExpectation', (req, res) => {
    unmet.add(req);
    listener(req, res);
  });
}

/**
 * Refuses HTTP/1.1 without Host, any request with two (400, RFC 9112 §3.2: a proxy may go by the other one) and an
 * expectation that is not met (417, RFC 9110 §10.1.1). The connection ends: nobody knows whether a body that somebody held
 * back will come.
 */
export const hostAndExpect: RequestHandler = (req, res, next) => {
  // Of several, `headers` has the first.
  const { host = [] } = req.headersDistinct;
  if (unmet.has(req)) next(refused(res, 417, 'the header Expect asks for something unknown'));
  else if (host.length === 0 && req.httpVersion === '1.1') next(refused(res, 400, 'the request has no Host'));
  else if (host.length > 1) next(refused(res, 400, 'the request has more than one Host'));
  else {
    // It knows no chunks: what comes behind them may be meant as anything (RFC 9112 §6.1).
    if (req.httpVersion === '1.0' && req.headers['transfer-encoding'] !== undefined)
      res.setHeader('Connection', 'close');
    next();
  }
};

function refused(res: Parameters<RequestHandler>[1], status: number, text: string): ErrorWithMessage {
  res.setHeader('Connection', 'close');
  return Object.assign(new Error(text), { status, page: plainPages.notUnderstood });
}
