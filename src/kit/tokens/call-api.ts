import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { type ApiToken, apiNamed, type Challenge, type Provider } from '../provider/index.ts';
import { demandStore } from '../session/context.ts';
import { neededProvider } from '../session/needed-provider.ts';
import { otherAccount } from '../session/other-account.ts';
import { providerOf, signedIn } from '../session/user-session.ts';
import { pageOf } from '../session/way-back.ts';
import { isMet } from './api-demands.ts';
import { afterRefusal, type CurrentToken, currentToken } from './current-token.ts';
import type { Own } from './token-refresh.ts';
import { wantedBy } from './wanted.ts';

interface Answered {
  challenge?: Challenge | undefined;
  /** Lets go of an answer that nobody will read. */
  discard?: () => void;
}

/** One call: to which API, and how it is sent. */
export interface ApiCall<T extends Answered> {
  /** As in site.ts. */
  name: string;
  /** False for what must never be sent twice. */
  repeatable: boolean;
  send: (provider: Provider, token: CurrentToken) => Promise<T>;
}

/**
 * Calls an API with the user's access token for it. A token that the API takes for invalid is refreshed once, and the
 * call made again where it may be: a 401 says that nothing was done.
 *
 * @throws AuthError as `fetchApi` says
 */
export async function callApi<T extends Answered>(
  req: Request,
  { name, repeatable, send }: ApiCall<T>,
): Promise<T> {
  const { own, provider } = demandAccepted(req, name);
  const wanted = wantedBy(demandStore(req).context.apis, name);
  const token = await currentToken(req, own, wanted);
  let answer = await send(provider, token);
  if (answer.challenge?.error === 'invalid_token') {
    const fresh = await orDiscard(answer, () => afterRefusal(req, own, wanted, token));
    if (fresh) answer.discard?.();
    if (fresh && !repeatable) throw notSentAgain();
    if (fresh) answer = await send(provider, fresh);
  }
  const { challenge } = answer;
  if (challenge) await orDiscard(answer, () => handleChallenge(req, name, provider, challenge));
  return answer;
}

/** Lets go of the answer where the work fails: nobody will read it, and its connection would stay open. */
async function orDiscard<T>(answer: Answered, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    answer.discard?.();
    throw error;
  }
}

/**
 * The user whose token goes to an API, and their provider. It may be one whose tokens the API does not take: then none of
 * theirs goes there.
 *
 * @throws AuthError `forbidden` then; `sign_in_first`
 * @throws TypeError for an API that site.ts does not name
 */
export function demandAccepted(req: Request, name: string): { own: Own; provider: Provider } {
  const { apis, providers } = demandStore(req).context;
  const taken = apiNamed(apis, name).providers;
  const own = signedIn(req);
  const provider = providerOf(req);
  if (!own || !provider) throw new AuthError('sign_in_first');
  if (taken.includes(provider.name)) return { own, provider };
  const page = { text: [neededProvider(taken, providers)], other: otherAccount(req, pageOf(req)) };
  const hint = `the API '${name}' accepts tokens of ${taken.join(', ')} only`;
  throw new AuthError('forbidden', { page, hint });
}

/** There is a new token by now, and nothing was done: who sent it may send it again. */
function notSentAgain(): AuthError {
  const hint = 'the API refused the access token; it is refreshed now, and the request was not sent again';
  return new AuthError('api_unreachable', { hint, retryAfter: 1 });
}

/**
 * What follows from what the API says about the token.
 *
 * @throws AuthError `stronger_sign_in` where it wants a fresher or stronger sign-in than the user's (RFC 9470)
 */
function handleChallenge(req: Request, name: string, provider: Provider, challenge: Challenge): void {
  const { error, error_description, scope, demands } = challenge;
  if (error === 'insufficient_user_authentication' && !isMet(req, provider, demands)) {
    throw new AuthError('stronger_sign_in', {
      demands,
      hint: `the API '${name}' requires a stronger or more recent sign-in`,
    });
  }
  const { apis, log: ofApp } = demandStore(req).context;
  const log = req.log ?? ofApp;
  log.error(
    {
      name,
      api: apis.get(name)?.url?.origin,
      error,
      error_description,
      scope,
      hint: provider.inFull(hintFor(name, apis.get(name)?.token, challenge) + boundHint(provider, challenge)),
    },
    "the API refuses this app's access tokens",
  );
}

/** RFC 8705 §3: an API that does not see the certificate refuses the token as invalid. */
function boundHint({ settings }: Provider, { error }: Challenge): string {
  return settings.certificateBoundTokens && error === 'invalid_token'
    ? "; the token is bound to the client certificate, which the API's TLS server must ask for"
    : '';
}

function hintFor(name: string, token: ApiToken | undefined, { error, scope }: Challenge): string {
  if (error === 'insufficient_scope') {
    const wanted = scope === undefined ? 'a scope' : `the scope "${scope}"`;
    return `the API requires ${wanted}: let this client have it at the provider, and ask for it in \`scope\` of the API '${name}' in site.ts, or in OIDC_SCOPE where it has no token of its own`;
  }
  if (error === 'insufficient_user_authentication')
    return "the user's sign-in is what the API demands already: compare what it demands with what the provider puts into acr and auth_time of its access tokens";
  if (token)
    return `compare iss, aud and exp of its tokens with what the API expects: they are asked for with \`${Object.keys(token).join('`, `')}\` of the API '${name}' in site.ts; at OpenIddict, DisableAccessTokenEncryption`;
  return 'name the API in its `scope`, `resource` or `audience` in site.ts, or in OIDC_SCOPE, OIDC_AUDIENCE or OIDC_RESOURCE, so that its tokens are meant for it; at OpenIddict, DisableAccessTokenEncryption';
}
