import { type CallTokens, RefreshError } from '../provider/index.ts';
import type { AuthContext, HookUser } from '../session/context.ts';
import type { TokenRecord } from '../store/index.ts';
import { getApiToken } from './api-token.ts';
import { endsNothing, noTokenFor } from './current-token.ts';
import { isUsable } from './token-life.ts';
import { refreshFor } from './token-refresh.ts';
import { failureOf, tokenFor, type Wanted, wantedBy } from './wanted.ts';

/** The tokens of sign-ins on their way, and what is being got for them: a refresh token is used once. */
const underWay = new WeakMap<TokenRecord, Promise<unknown>>();

/**
 * The access token with which `signIn` in site.ts calls an API. At a recheck it is the session's. At a sign-in there is
 * no session yet: what is got goes into the tokens that it will have.
 *
 * @param refused the one that the API has refused; where no newer one is to be had, it comes back
 * @throws AuthError
 */
export async function hookToken(
  context: AuthContext,
  user: HookUser,
  api: string,
  refused?: string,
): Promise<CallTokens> {
  const { provider, iss, sub, tokens, session } = user;
  const wanted = wantedBy(context.apis, api);
  if (!wanted) return tokens;
  const owner = { provider: provider.name, iss, sub };
  const record =
    session === undefined
      ? await beforeSession(context, user, wanted)
      : await refreshFor(context, session, owner, { wanted, refused }).catch((error) =>
          stillGood(error, tokens, wanted),
        );
  const token = tokenFor(record, wanted);
  if (token && isUsable(token)) return { ...token, dpop_key: record.dpop_key };
  throw noTokenFor(record, wanted);
}

/** As for a page: a token that could not be refreshed is used to its end. */
function stillGood(error: unknown, tokens: TokenRecord, wanted: Wanted): TokenRecord {
  const token = tokenFor(tokens, wanted);
  if (token && isUsable(token) && endsNothing(error)) return tokens;
  throw error;
}

/** One after the other, as under the lock of a session. */
function beforeSession(
  { apis }: AuthContext,
  { provider, iss, sub, tokens }: HookUser,
  wanted: Wanted,
): Promise<TokenRecord> {
  const owner = { iss, sub };
  const store = async (fresh: TokenRecord) => Object.assign(tokens, fresh);
  const get = async () => {
    if (tokenFor(tokens, wanted) || failureOf(tokens, wanted)) return tokens;
    const plain = async () => {
      const fresh = await provider.refresh(tokens, owner).catch(async (error) => {
        if (error instanceof RefreshError && error.spent)
          await store({ ...tokens, refresh_token: undefined, spent: true });
        throw error;
      });
      return store({ ...tokens, ...fresh });
    };
    if (!tokens.refresh_token && !wanted.token.exchange) return tokens;
    return getApiToken({ provider, owner, apis, wanted, refused: undefined, store, plain }, tokens);
  };
  const before = underWay.get(tokens) ?? Promise.resolve();
  const getting = before.then(get, get);
  underWay.set(tokens, getting);
  return getting;
}
