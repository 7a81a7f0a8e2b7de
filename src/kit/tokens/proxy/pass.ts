import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';
import type { Request, Response } from 'express';
import { AuthError } from '../../errors/auth-error.ts';
import type { Api, ApiProxy, StreamedAnswer } from '../../provider/index.ts';
import { signedIn } from '../../session/user-session.ts';
import { callApi } from '../call-api.ts';
import { answerHeaders } from './answer-headers.ts';
import { bodyOf } from './body.ts';
import { type EventStreams, isEventStream, longCallMs } from './events.ts';
import { requestHeaders } from './request-headers.ts';

/** A call in which no byte comes or goes for so long is given up. */
const longestSilenceMs = 30_000;

/** Where a request goes. */
export interface Target {
  /** As in site.ts. */
  name: string;
  api: Api & { url: URL; proxy: ApiProxy };
  url: URL;
}

/**
 * Sends a script's request on to the API with the user's access token, and the API's answer back, both as they come.
 *
 * @throws AuthError as `fetchApi` does; an error with a 413 page
 */
export async function passOn(
  req: Request,
  res: Response,
  { name, api, url }: Target,
  events: EventStreams,
): Promise<void> {
  // Nobody waits for the answer any more.
  if (res.closed) return;
  const call = new AbortController();
  // After a whole answer there is nothing to give up.
  res.once('close', () => {
    if (!res.writableFinished) call.abort();
  });
  const body = bodyOf(req, {
    onBytes: () => void silence.refresh(),
    onTooLarge: (error) => call.abort(error),
  });
  const silence = setTimeout(() => call.abort(tooSlow(name)), longestSilenceMs);
  // From its beginning: a body may come as slowly as an answer.
  const own = signedIn(req);
  const watched = own && setTimeout(() => events.addCall(req, own.id, res), longCallMs);
  try {
    const headers = { ...requestHeaders(req.headers, api.proxy.requestHeaders), ...body.headers };
    const request = { method: req.method, headers, body: body.stream, signal: call.signal };
    const answer = await callApi(req, {
      name,
      repeatable: body.stream === undefined,
      send: (provider, token) => {
        if (body.stream) req.pipe(body.stream);
        return provider.streamApi(token, url, request);
      },
    });
    await answerWith(req, res, answer, { api, url, own, silence, watched, events });
  } catch (error) {
    if (res.destroyed) return;
    const { reason } = call.signal;
    // Why the call was given up says more than that it was.
    throw hasStatus(reason) ? reason : error;
  } finally {
    clearTimeout(silence);
    clearTimeout(watched);
    // The API may have answered before it had all of the body: the rest must not block either connection.
    if (body.stream && !req.readableEnded) call.abort();
    if (body.stream) req.unpipe(body.stream).resume();
  }
}

interface Passing extends Pick<Target, 'api' | 'url'> {
  own: ReturnType<typeof signedIn>;
  silence: NodeJS.Timeout;
  watched: NodeJS.Timeout | undefined;
  events: EventStreams;
}

async function answerWith(
  req: Request,
  res: Response,
  { message }: StreamedAnswer,
  { api, url, own, silence, watched, events }: Passing,
): Promise<void> {
  const { path, answerHeaders: more } = api.proxy;
  res.status(message.statusCode ?? 502);
  const headers = answerHeaders(message.headers, more, { url, base: api.url, path });
  // A proxy on the way would wait for a body that never comes, or take the next answer for it (RFC 9110 §8.6).
  if (res.statusCode === 204) delete headers['content-length'];
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  // It has no content (RFC 9110 §15.3.6), whatever the API sends behind it.
  if (res.statusCode === 205) {
    message.destroy();
    return void res.setHeader('Content-Length', '0').end();
  }
  // Without a type of its own a browser must not guess one.
  if (!headers['content-type']?.trim() && hasBody(req, res))
    res.setHeader('Content-Type', 'application/octet-stream');
  const endless = isEventStream(headers['content-type']);
  if (endless && own) {
    clearTimeout(silence);
    clearTimeout(watched);
    res.setHeader('X-Accel-Buffering', 'no'); // nginx would keep events back.
    res.flushHeaders();
    events.add(req, own.id, res);
  }
  if (!endless) message.on('data', () => void silence.refresh());
  const error = await sendOn(message, res);
  if (error) req.log?.warn({ api: url.origin, code: error.code }, "an API's answer broke off");
}

/**
 * As `pipeline` would, which makes an AbortController and some errors for each answer: up to a tenth of a call's time.
 *
 * @returns the error that the API's answer broke off with. A part of it may have been sent: the connection is broken, so
 *   that the script does not take that part for the whole.
 */
function sendOn(message: IncomingMessage, res: Response): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    let broken: NodeJS.ErrnoException | undefined;
    finished(message, (error) => {
      // The script may have gone away, which ends the API's answer too.
      if (!error || res.writableEnded || res.destroyed) return;
      broken = error;
      res.destroy();
    });
    finished(res, () => {
      message.destroy();
      resolve(broken);
    });
    message.pipe(res);
  });
}

/** Why a call was given up, where it was not that nobody waits any more. */
function hasStatus(reason: unknown): boolean {
  return reason instanceof Error && 'status' in reason;
}

function hasBody({ method }: Request, { statusCode }: Response): boolean {
  return method !== 'HEAD' && statusCode !== 204 && statusCode !== 304;
}

function tooSlow(name: string): AuthError {
  return new AuthError('api_unreachable', { hint: `nothing came from the API '${name}' for 30 seconds` });
}
