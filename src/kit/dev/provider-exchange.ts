import { type Client, type Context, errors, type Provider, type Token } from 'oidc-provider';
import { proofOf } from './dpop-proof.ts';
import { findAccount, type ProviderSettings, resourceServer } from './provider-config.ts';

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * An access token of this provider becomes one for an API, for the same user (RFC 8693). The API is named by `resource` or
 * `audience`; left out, it is the first.
 */
export function allowTokenExchange(
  provider: Provider,
  { apis, anyApi, accounts }: Pick<ProviderSettings, 'apis' | 'anyApi' | 'accounts'>,
): void {
  const names = [
    'subject_token',
    'subject_token_type',
    'requested_token_type',
    'resource',
    'audience',
    'scope',
  ];
  const handler = async (ctx: Context) => {
    const { params, client } = ctx.oidc;
    demandAccessTokenType('subject_token_type', params.subject_token_type);
    demandAccessTokenType('requested_token_type', params.requested_token_type ?? accessTokenType);
    const subject = await subjectOf(provider, ctx, accounts);
    const resource = params.resource ?? params.audience ?? apis[0]?.audience;
    if (!resource) throw new errors.InvalidTarget();
    const allowed = resourceServer({ apis, anyApi }, resource, params.scope);
    const { accountId, grantId, sid, sessionUid, claims } = subject;
    const token = new provider.AccessToken({
      ...{ accountId, grantId, sid, sessionUid, claims, client, gty: tokenExchange },
      resourceServer: new provider.ResourceServer(resource, allowed),
      scope: scopeOf(
        params.scope,
        apis.find(({ audience }) => audience === resource) ?? { scope: params.scope },
      ),
    });
    const jkt = await keyOf(ctx, subject, client);
    if (jkt) token.jkt = jkt;
    ctx.oidc.entity('AccessToken', token);
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: accessTokenType,
      token_type: jkt ? 'DPoP' : 'Bearer',
      expires_in: token.expiration,
      scope: token.scope,
    };
  };
  provider.registerGrantType(tokenExchange, handler, names);
}

function demandAccessTokenType(name: string, given: string | undefined): void {
  if (given !== accessTokenType) throw new errors.InvalidRequest(`${name} must be ${accessTokenType}`);
}

/** RFC 8693 §2.2.2: one that is worth nothing is an invalid request. */
async function subjectOf(
  provider: Provider,
  ctx: Context,
  accounts: ProviderSettings['accounts'],
): Promise<Token> {
  const token = await provider.AccessToken.find(ctx.oidc.params.subject_token ?? '');
  const account = token && findAccount(accounts, token.accountId);
  const isOff = !account || account.behaviour === 'switched off';
  if (!token || token.clientId !== ctx.oidc.client.clientId || isOff)
    throw new errors.InvalidRequest('subject_token is not valid');
  // Whose `extra` says how the user signed in.
  ctx.oidc.entity('SubjectToken', token);
  return token;
}

function scopeOf(asked: string | undefined, api: { scope?: string | undefined }): string {
  const known = api.scope?.split(' ') ?? [];
  const scopes = asked?.split(' ') ?? known;
  if (scopes.some((scope) => !known.includes(scope)))
    throw new errors.InvalidScope('the API has no such scope', asked);
  return scopes.join(' ');
}

/** The new token is bound to the key of the proof. A subject token that is bound needs a proof of the same key. */
async function keyOf(ctx: Context, subject: Token, client: Client): Promise<string | undefined> {
  const jwt = ctx.req.headers.dpop;
  if (!jwt && !subject.jkt && !client.dpopBoundAccessTokens) return undefined;
  const { url = '/' } = ctx.req;
  const { origin } = new URL(ctx.oidc.provider.issuer);
  const proof = await proofOf(String(jwt), { method: 'POST', url: new URL(url, origin) });
  if (!proof || (subject.jkt && proof.jkt !== subject.jkt))
    throw new errors.InvalidRequest('the DPoP proof does not fit');
  return proof.jkt;
}
