import type { IncomingMessage } from 'node:http';
import { AuthError } from '../errors/auth-error.ts';
import { toHeaders } from './answer-headers.ts';
import { type ApiFetch, type CallTokens, requestResource, unreachable } from './api.ts';
import type { Challenge } from './api-challenge.ts';
import type { ProviderConnection } from './connection.ts';
import { withoutEcho } from './echoes.ts';
import type { StreamRequest } from './streaming.ts';

export interface StreamedAnswer {
  /** The API's answer, as it comes. Whoever does not read it to its end destroys it. */
  message: IncomingMessage;
  /** What the API says about the access token, where it refuses the call for that. */
  challenge?: Challenge | undefined;
  /** Lets go of an answer that nobody will read. */
  discard: () => void;
}

/**
 * Calls an API as `fetchApi` does, with a body and an answer that stream. A body is sent once, also where the API asks
 * for another proof of the key (RFC 9449 §9).
 *
 * @throws AuthError `api_unreachable`; with `retryAfter` 1 where the same request may be sent again by who sent it
 */
export async function streamApi(
  connection: ProviderConnection,
  tokens: CallTokens,
  url: URL,
  { method, headers: given, body, signal }: StreamRequest,
): Promise<StreamedAnswer> {
  // Some APIs refuse a request that does not say what sends it.
  const headers = { 'user-agent': 'node', ...given };
  let message: IncomingMessage | undefined;
  const send = async (withToken: Record<string, string>) => {
    if (message && body) {
      const hint =
        'the API requires a nonce in the DPoP proof; it is known now, and the request was not sent again';
      throw new AuthError('api_unreachable', { hint, retryAfter: 1 });
    }
    message?.destroy();
    message = await connection.openStream(url, { method, headers: withToken, body, signal });
    const { statusCode: status = 0 } = message;
    if (status >= 200 && status <= 599) return message;
    const hint = `${url.origin} answered with the status ${status}, which HTTP does not have`;
    throw new AuthError('api_unreachable', { hint });
  };
  try {
    // The library would add no more to it, and take a tenth of a call's time or more. It is asked to read challenges.
    const isBearer = tokens.dpop_key === undefined;
    const answered = isBearer
      ? await send({ ...headers, authorization: `Bearer ${tokens.access_token}` })
      : undefined;
    if (answered && answered.headers['www-authenticate'] === undefined) return toAnswer(answered);
    const fetch: ApiFetch = async (_address, request) =>
      toResponse(answered ?? (await send(request.headers)), tokens);
    const { challenge } = await requestResource(connection, tokens, url, { method, headers }, fetch);
    if (!message) throw new Error('the API was not asked');
    return toAnswer(message, challenge);
  } catch (error) {
    message?.destroy();
    throw unreachable(error);
  }
}

function toAnswer(message: IncomingMessage, challenge?: Challenge): StreamedAnswer {
  return { message, challenge, discard: () => void message.destroy() };
}

/** What the library reads of an answer: all but its body. */
function toResponse(message: IncomingMessage, { access_token }: CallTokens): Response {
  const headers = toHeaders(message);
  const challenges = headers.get('www-authenticate');
  if (challenges !== null) headers.set('www-authenticate', withoutEcho(challenges, [access_token]));
  return new Response(null, { status: message.statusCode ?? 502, headers });
}
