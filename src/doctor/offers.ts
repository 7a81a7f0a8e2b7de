import type { ProviderConfig } from '../config.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

/** What the provider's metadata offers of what this app uses. */
export function checkOffers(metadata: Metadata, provider: ProviderConfig): Finding[] {
  return [
    checkPkce(metadata),
    checkClientAuth(metadata, provider),
    checkAlgorithm(metadata, provider),
    checkOfflineAccess(metadata, provider),
    checkPar(metadata, provider),
    offered(metadata.end_session_endpoint, 'end_session', 'signing out here signs out at the provider too.', {
      without:
        'not offered: after signing out here a user is still signed in at the provider. The page says so.',
    }),
    offered(metadata.revocation_endpoint, 'revocation', 'tokens are revoked at sign-out.', {
      without: 'not offered: refresh tokens stay valid at the provider after a sign-out.',
    }),
    offered(
      metadata.authorization_response_iss_parameter_supported,
      'iss',
      'answers name their issuer (RFC 9207).',
      {
        without: 'not offered: an answer does not name its issuer. With one provider nothing is lost.',
      },
    ),
    offered(
      metadata.backchannel_logout_supported,
      'back-channel logout',
      'the provider ends sessions here.',
      {
        without: 'not offered: a session here goes on when its user signs out at the provider.',
      },
    ),
  ];
}

function checkPkce({ code_challenge_methods_supported }: Metadata): Finding {
  if (listOf(code_challenge_methods_supported).includes('S256')) return ok('PKCE', 'S256 is offered.');
  return warning(
    'PKCE',
    'the metadata does not offer S256. It is sent all the same.',
    'Ask the provider whether it checks code_challenge: some do and do not say so.',
  );
}

function checkClientAuth(metadata: Metadata, { clientAuth }: ProviderConfig): Finding {
  const said = metadata.token_endpoint_auth_methods_supported;
  // The default of OpenID Connect Discovery §3.
  const methods = said === undefined ? ['client_secret_basic'] : listOf(said);
  if (methods.includes(clientAuth)) return ok('client authentication', `${clientAuth} is offered.`);
  return warning(
    'client authentication',
    `${clientAuth} is not offered.`,
    `Set OIDC_CLIENT_AUTH to one of: ${methods.join(', ')}.`,
  );
}

function checkAlgorithm(metadata: Metadata, { idTokenAlg }: ProviderConfig): Finding {
  const offers = listOf(metadata.id_token_signing_alg_values_supported);
  // Two names of one thing (RFC 9864).
  const same = /^Ed/.test(idTokenAlg) ? ['EdDSA', 'Ed25519'] : [idTokenAlg];
  if (offers.some((alg) => same.includes(alg))) return ok('signing algorithm', `${idTokenAlg} is offered.`);
  if (offers.length === 0) return warning('signing algorithm', 'the metadata names none.');
  const usable = offers.filter((alg) => !/^(none|HS)/.test(alg));
  return failed(
    'signing algorithm',
    `ID tokens signed with ${idTokenAlg} are not offered.`,
    usable.length > 0
      ? `Set OIDC_ID_TOKEN_ALG to the one that this app is registered with: ${usable.join(', ')}.`
      : 'Have the provider sign ID tokens with a key of its own, such as RS256.',
  );
}

const refusers: [RegExp, string][] = [
  [/^https:\/\/accounts\.google\.com$/, 'Google'],
  [/^https:\/\/gitlab\./, 'GitLab'],
  [/^https:\/\/cognito-idp\./, 'Amazon Cognito'],
];

/** Google, GitLab and Amazon Cognito answer a request for it with invalid_scope. */
function checkOfflineAccess(metadata: Metadata, { scope, issuer }: ProviderConfig): Finding {
  const asked = scope.split(' ').includes('offline_access');
  const name = 'offline_access';
  if (!asked) return ok(name, 'is not asked for: most providers then give no refresh token.');
  const refuser = refusers.find(([pattern]) => pattern.test(issuer))?.[1];
  const takeOut = 'Take offline_access out of OIDC_SCOPE.';
  if (refuser) {
    const left = metadata.scopes_supported === undefined ? '' : ', so the app leaves it out';
    return warning(name, `${refuser} refuses this scope${left}.`, takeOut);
  }
  if (metadata.scopes_supported === undefined) {
    return warning(
      name,
      'the metadata names no scopes, so this one is asked for. Google, GitLab and Amazon Cognito refuse it.',
      'If sign-ins end in invalid_scope, take it out of OIDC_SCOPE.',
    );
  }
  if (listOf(metadata.scopes_supported).includes('offline_access')) return ok(name, 'is offered.');
  return warning(name, 'this scope is not offered, so the app leaves it out.', takeOut);
}

function checkPar(metadata: Metadata, { par }: ProviderConfig): Finding {
  const offers = metadata.pushed_authorization_request_endpoint !== undefined;
  if (par === 'off') {
    return metadata.require_pushed_authorization_requests === true
      ? failed('PAR', 'the provider insists on it, and OIDC_PAR is off.', 'Set OIDC_PAR to auto.')
      : ok('PAR', 'is switched off by OIDC_PAR.');
  }
  if (offers) return ok('PAR', 'is offered and used.');
  return par === 'require'
    ? failed(
        'PAR',
        'is not offered, and OIDC_PAR requires it.',
        'Set OIDC_PAR to auto, or switch it on at the provider.',
      )
    : warning('PAR', 'is not offered: what is asked for travels through the browser, as it mostly does.');
}

function offered(what: unknown, check: string, text: string, { without }: { without: string }): Finding {
  return what === undefined || what === false ? warning(check, without) : ok(check, text);
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
