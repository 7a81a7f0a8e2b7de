import type { ProviderConfig } from '../config/index.ts';
import { usesPar } from '../provider/metadata.ts';
import { checkAsked } from './asked.ts';
import { signsAssertion } from './client-answer.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';
import { listOf } from './metadata-lists.ts';

/**
 * What the provider's metadata offers of what this app uses.
 *
 * @param published the algorithms that the provider publishes keys for
 */
export function checkOffers(
  metadata: Metadata,
  provider: ProviderConfig,
  published: readonly string[] = [],
): Finding[] {
  return [
    checkPkce(metadata),
    checkClientAuth(metadata, provider),
    ...checkAssertion(metadata, provider),
    checkAlgorithm(metadata, provider, published),
    ...checkAsked(metadata, provider),
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
        without: provider.named
          ? 'not offered: an answer does not name its issuer. The app goes by the redirect address, which is different for each provider.'
          : 'not offered: an answer does not name its issuer. With one provider nothing is lost.',
      },
    ),
    offered(
      metadata.backchannel_logout_supported,
      'back-channel logout',
      'the provider ends sessions here.',
      {
        without: 'not offered: a session here continues when its user signs out at the provider.',
      },
    ),
  ];
}

function checkPkce({ code_challenge_methods_supported }: Metadata): Finding {
  if (listOf(code_challenge_methods_supported).includes('S256')) return ok('PKCE', 'S256 is offered.');
  return warning(
    'PKCE',
    'the metadata does not offer S256. It is sent anyway.',
    'Ask the provider whether it checks code_challenge: some do and do not say so.',
  );
}

function checkClientAuth(metadata: Metadata, { clientAuth }: ProviderConfig): Finding {
  const listed = metadata.token_endpoint_auth_methods_supported;
  // The default of OpenID Connect Discovery §3.
  const methods = listed === undefined ? ['client_secret_basic'] : listOf(listed);
  if (clientAuth === 'workload_identity') {
    // No name is registered for it: to the provider it is an assertion that somebody else has signed.
    const text = 'client assertions (private_key_jwt) are';
    return methods.includes('private_key_jwt')
      ? ok('client authentication', `${text} offered.`)
      : warning(
          'client authentication',
          `${text} not offered.`,
          'Check that the provider accepts tokens of your platform (federated client authentication, RFC 7523).',
        );
  }
  if (methods.includes(clientAuth)) return ok('client authentication', `${clientAuth} is offered.`);
  return warning(
    'client authentication',
    `${clientAuth} is not offered.`,
    `Set OIDC_CLIENT_AUTH to one of: ${said(methods.join(', '))}.`,
  );
}

/** FAPI 2.0 §5.3.3.1 and draft-ietf-oauth-rfc7523bis: a client assertion is for the issuer, and for nobody else. */
function* checkAssertion(metadata: Metadata, provider: ProviderConfig): Generator<Finding> {
  const { clientAuth, clientAssertionAudience, dpop } = provider;
  if (!signsAssertion(clientAuth) || clientAssertionAudience !== 'token_endpoint') return;
  const pushes = usesPar(metadata, provider);
  if (!pushes && !dpop) return;
  yield warning(
    'client assertion',
    `is for the token endpoint, and ${pushes ? 'PAR' : 'DPoP'} is used: FAPI 2.0 requires the issuer.`,
    'Remove OIDC_CLIENT_ASSERTION_AUDIENCE, unless the provider then refuses this app.',
  );
}

function checkAlgorithm(
  metadata: Metadata,
  { idTokenAlg }: ProviderConfig,
  published: readonly string[],
): Finding {
  const offers = listOf(metadata.id_token_signing_alg_values_supported);
  // Two names of one thing (RFC 9864).
  const same = /^Ed/.test(idTokenAlg) ? ['EdDSA', 'Ed25519'] : [idTokenAlg];
  if (offers.some((alg) => same.includes(alg))) return ok('signing algorithm', `${idTokenAlg} is offered.`);
  if (offers.length === 0) return warning('signing algorithm', 'the metadata names none.');
  const usable = offers.filter((alg) => !/^(none|HS)/.test(alg));
  // Each provider must list RS256 (OpenID Connect Discovery §3), and some list nothing else whatever a client has.
  if (usable.join() === 'RS256' && published.includes(idTokenAlg)) {
    return warning(
      'signing algorithm',
      `the metadata lists RS256 alone, and the key set has a key for ${idTokenAlg}: this check cannot see whether this app gets ${idTokenAlg} (Spring Authorization Server lists RS256 whatever an app is registered with).`,
      `Check that this app is registered with ${idTokenAlg} at the provider, or set OIDC_ID_TOKEN_ALG=RS256.`,
    );
  }
  return failed(
    'signing algorithm',
    `ID tokens signed with ${idTokenAlg} are not offered.`,
    usable.length > 0
      ? `Set OIDC_ID_TOKEN_ALG to the one that this app is registered with: ${said(usable.join(', '))}.`
      : 'Have the provider sign ID tokens with a key of its own, such as RS256.',
  );
}

function checkPar(metadata: Metadata, { par }: ProviderConfig): Finding {
  const offers = metadata.pushed_authorization_request_endpoint !== undefined;
  if (par === 'off') {
    return metadata.require_pushed_authorization_requests === true
      ? failed('PAR', 'the provider requires it, and OIDC_PAR is off.', 'Set OIDC_PAR to auto.')
      : ok('PAR', 'is switched off by OIDC_PAR.');
  }
  if (offers) return ok('PAR', 'is offered and used.');
  return par === 'require'
    ? failed(
        'PAR',
        'is not offered, and OIDC_PAR requires it.',
        'Set OIDC_PAR to auto, or switch it on at the provider.',
      )
    : warning('PAR', 'is not offered: what is asked for travels through the browser, as is usual.');
}

function offered(what: unknown, check: string, text: string, { without }: { without: string }): Finding {
  return what === undefined || what === false ? warning(check, without) : ok(check, text);
}
