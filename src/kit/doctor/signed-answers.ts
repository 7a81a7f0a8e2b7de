import type { ProviderConfig } from '../config/index.ts';
import { namesOf } from '../provider/algorithms.ts';
import { openAnswer, startSignIn } from './attempts.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';
import { listOf } from './metadata-lists.ts';
import type { Subject } from './subject.ts';

const check = 'signed answers';
const standard = 'RS256';

/** What the metadata says about answers to sign-ins that are signed (JARM §4). */
export function checkSignedAnswers(metadata: Metadata, provider: ProviderConfig): Finding[] {
  if (provider.responseMode !== 'jwt') return [];
  return [checkMode(metadata), checkAlgorithm(metadata, provider)];
}

/**
 * The answer to a sign-in that may not ask the user anything is an error at once, and signed as every other: the app's own
 * code verifies it. Comes after a sign-in request that the provider has taken.
 *
 * @param settings by which the provider knows this app
 */
export async function tryAnswer(config: Subject, settings: ProviderConfig): Promise<Finding[]> {
  if (settings.responseMode !== 'jwt') return [];
  const { answer } = await startSignIn(config, { ...settings, prompt: 'none' });
  if (!answer) return [];
  if (!answer.address.searchParams.has('response')) {
    return [
      failed(
        check,
        'the provider answers without signing, although OIDC_RESPONSE_MODE=jwt asks it to.',
        'Allow this app the response mode jwt at the provider, or set OIDC_RESPONSE_MODE=query.',
      ),
    ];
  }
  const refused = await openAnswer(config, settings, answer);
  if (!refused) return [ok(check, 'the provider sent one, and the app accepts it.')];
  return [
    failed(
      check,
      `the provider sent one, and the app would refuse it: ${said(refused)}.`,
      'Compare the registration of this app at the provider with OIDC_ID_TOKEN_ALG and OIDC_CLIENT_ID.',
    ),
  ];
}

function checkMode({ response_modes_supported: supported }: Metadata): Finding {
  const hint = 'Switch JARM on at the provider, or set OIDC_RESPONSE_MODE=query.';
  if (supported === undefined) {
    return warning(
      check,
      'the metadata lists no response modes, which means that jwt is not offered. It is asked for anyway.',
      hint,
    );
  }
  return listOf(supported).some((mode) => mode === 'jwt' || mode === 'query.jwt')
    ? ok(check, 'are offered and used (JARM).')
    : failed(check, 'are not offered (response_modes_supported has no jwt).', hint);
}

function checkAlgorithm(metadata: Metadata, { idTokenAlg }: ProviderConfig): Finding {
  const { authorization_signing_alg_values_supported: supported } = metadata;
  const offered = listOf(supported);
  const register =
    idTokenAlg === standard
      ? ''
      : ` Register authorization_signed_response_alg=${idTokenAlg} for this app: the default is ${standard}, and the app refuses that.`;
  if (supported === undefined) {
    return ok(check, `must come with ${idTokenAlg}; the metadata lists no algorithms for them.${register}`);
  }
  if (offered.some((alg) => namesOf(idTokenAlg).includes(alg))) {
    return ok(check, `must come with ${idTokenAlg}, which is offered.${register}`);
  }
  return failed(
    check,
    `must come with ${idTokenAlg} as ID tokens do (OIDC_ID_TOKEN_ALG), and the metadata does not list that for them.`,
    `Have the provider sign the answers and the ID tokens of this app with one algorithm, of those that it lists: ${said(offered.join(', '))}.`,
  );
}
