import type { ProviderConfig } from '../config/index.ts';
import type { Apis, ApiToken } from '../provider/index.ts';
import { askedForApis } from '../sign-in/asked-for-apis.ts';
import { asksOffline, isKeycloak } from './asked.ts';
import { redirectAddress, startSignIn } from './attempts.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { listed } from './listed.ts';
import { listOf } from './metadata-lists.ts';
import { wordsOf } from './refusal.ts';
import type { Subject } from './subject.ts';

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Whether the APIs of a site can get the access tokens that they want from this provider. */
export function* checkApiTokens({ provider }: Subject, metadata: Metadata, apis: Apis): Generator<Finding> {
  const its = [...apis].filter(([, { url, providers }]) => url && providers.includes(provider.name));
  for (const [name, { token }] of its) {
    if (token) yield* checkOne(`API ${name}`, token, metadata, provider);
  }
  const sharing = its.flatMap(([name, { token }]) => (token ? [] : name));
  const [first] = sharing;
  if (first === undefined) return;
  yield sharing.length === 1
    ? ok(`API ${first}`, `gets the access token of the sign-in.${forWhom(provider)}`)
    : warning(
        'APIs',
        `${listed(sharing)} get one access token, that of the sign-in: each of them can call the others with it as the user.${forWhom(provider)}`,
        'Give each a token of its own by `scope`, `resource`, `audience` or `exchange` in site.ts, unless one operator runs them all.',
      );
}

/**
 * Each sign-in asks for the APIs that are named as a resource: one that the provider does not know refuses them all. Comes
 * after a sign-in request that the provider has taken.
 *
 * @param settings by which the provider knows this app
 */
export async function checkApiRequests(
  config: Subject,
  settings: ProviderConfig,
  apis: Apis,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const one of apis) {
    const [name] = one;
    const asked = askedForApis(new Map([one]), config.provider.name);
    if (asked.resources.length === 0) continue;
    const outcome = await startSignIn(config, settings, redirectAddress(config), asked);
    // What is away is said elsewhere, and the next would wait as long.
    if (outcome.state === 'silent') break;
    if (outcome.state === 'passed') continue;
    findings.push(
      failed(
        `API ${name}`,
        `the provider refuses every sign-in, because it asks for this API (${wordsOf(outcome)}).`,
        'Register its `resource` and its `scope` of site.ts at the provider, for this app.',
      ),
    );
  }
  return findings;
}

function forWhom({ resource, audience }: ProviderConfig): string {
  return resource === undefined && audience === undefined
    ? ' Neither OIDC_RESOURCE nor OIDC_AUDIENCE says which API that is for.'
    : '';
}

function* checkOne(
  check: string,
  { scope, exchange }: ApiToken,
  metadata: Metadata,
  provider: ProviderConfig,
): Generator<Finding> {
  yield exchange ? checkExchange(check, metadata) : checkRefresh(check, metadata, provider);
  const { scopes_supported } = metadata;
  const missing = (scope?.split(' ') ?? []).filter((word) => !listOf(scopes_supported).includes(word));
  if (scopes_supported === undefined || missing.length === 0) return;
  yield ok(
    check,
    `the metadata does not list ${listed(missing)}. Many providers list no scopes of APIs, so this need not be wrong.`,
  );
}

function checkExchange(check: string, { grant_types_supported }: Metadata): Finding {
  const text = 'gets its access token by token exchange (RFC 8693)';
  if (grant_types_supported === undefined) return ok(check, `${text}; the metadata lists no grant types.`);
  if (listOf(grant_types_supported).includes(tokenExchange)) return ok(check, `${text}, which is offered.`);
  return warning(
    check,
    `${text}, and the metadata does not list that.`,
    'Switch it on at the provider (Keycloak 26.2 or later: standard token exchange, at this client), or use `scope`, `resource` or `audience` in site.ts without `exchange`.',
  );
}

/** Not every provider wants offline_access for a refresh token, and not every one that knows the grant gives one. */
function checkRefresh(check: string, metadata: Metadata, provider: ProviderConfig): Finding {
  const text = 'gets its access token by the refresh token';
  const grants = metadata.grant_types_supported;
  const listsGrant = grants === undefined || listOf(grants).includes('refresh_token');
  const asked = asksOffline(metadata, provider);
  const ask = 'Ask for offline_access in OIDC_SCOPE, and let this app have refresh tokens at the provider.';
  if (!listsGrant && !asked) {
    const why = 'offline_access is not asked for, and the metadata does not list the grant refresh_token';
    return failed(check, `${text}, and there will be none: ${why}.`, ask);
  }
  if (!listsGrant)
    return warning(check, `${text}, and the metadata does not list the grant refresh_token.`, ask);
  // Who does not list the scope gives refresh tokens without it (GitLab, Amazon Cognito), or by a parameter (Google).
  const { scopes_supported } = metadata;
  const withoutAsking =
    scopes_supported !== undefined && !listOf(scopes_supported).includes('offline_access');
  if (asked || withoutAsking || isKeycloak(metadata, provider)) return ok(check, `${text}.`);
  return warning(
    check,
    `${text}, and offline_access is not asked for: most providers then give none, and calls to this API end in a 503.`,
    ask,
  );
}
