import { Transform } from 'node:stream';
import type { Request } from 'express';
import { refusal } from './refusal.ts';

/** In bytes. */
const largestBody = 10 * 1024 * 1024;

/** The body of a request, and how it is announced. */
export interface Body {
  stream: Transform | undefined;
  headers: Record<string, string>;
}

/**
 * The body of a request, as it comes, up to 10 MB.
 *
 * @param onBytes called for each piece
 * @param onTooLarge called when it is longer; the stream has failed then
 * @throws an error with a 413 page where its Content-Length says so already
 */
export function bodyOf(
  req: Request,
  { onBytes, onTooLarge }: { onBytes(): void; onTooLarge(error: Error): void },
): Body {
  const { method } = req;
  const length = req.headers['content-length'];
  const chunked = req.headers['transfer-encoding'] !== undefined;
  if (method === 'GET' || method === 'HEAD') return { stream: undefined, headers: {} };
  if (!chunked && (length === undefined || Number(length) === 0)) {
    return { stream: undefined, headers: method === 'DELETE' ? {} : { 'content-length': '0' } };
  }
  if (Number(length) > largestBody) throw tooLarge();
  let size = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      onBytes();
      if (size <= largestBody) return done(null, chunk);
      const error = tooLarge();
      onTooLarge(error);
      done(error);
    },
  });
  return {
    stream,
    headers:
      length === undefined || chunked
        ? { 'transfer-encoding': 'chunked' }
        : { 'content-length': String(Number(length)) }, // One number has one form: `010` may be eight elsewhere.
  };
}

const tooLarge = () => refusal(413, 'the body is larger than an API gets');
