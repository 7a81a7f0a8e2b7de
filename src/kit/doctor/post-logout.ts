import { NoAnswer } from './ask.ts';
import { isRefusal, openAsBrowser, random } from './attempts.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { reasonIn, speaksOfAddress, wordsOf } from './refusal.ts';
import type { Subject } from './subject.ts';

const check = 'post-logout address';

/**
 * Opens the provider's sign-out as a browser that is signed in nowhere, and compares what it does with our address,
 * with one that cannot be registered, and with none (RP-Initiated Logout 1.0 §3). Nothing for a provider without it.
 */
export async function checkPostLogout(config: Subject, metadata: Metadata): Promise<Finding[]> {
  const endpoint = URL.parse(String(metadata.end_session_endpoint ?? ''));
  // Amazon Cognito's is another protocol.
  if (!endpoint || /\/\/cognito-idp\./.test(config.provider.issuer)) return [];
  const ours = `${config.baseUrl}/signed-out`;
  const hint = `Register exactly this post-logout address: ${ours}`;
  const open = (back?: string) => openAsBrowser(signOutUrl(endpoint, config, back), config.provider);
  try {
    const real = await open(ours);
    if (real.headers.location?.startsWith(ours)) return [ok(check, `the provider accepts ${ours}.`)];
    const other = await open(`https://${random()}.invalid/signed-out`);
    const refused = isRefusal(real, endpoint);
    if (!refused && isRefusal(other, endpoint)) return [ok(check, `the provider accepts ${ours}.`)];
    if (refused && (speaksOfAddress(reasonIn(real)) || !isRefusal(await open(), endpoint))) {
      return [failed(check, `the provider refuses it (${wordsOf(reasonIn(real))}).`, hint)];
    }
    const why = refused
      ? `without a signed-in user the provider refuses every sign-out (${wordsOf(reasonIn(real))}).`
      : 'the provider treats a registered address and any other alike (IdentityServer does).';
    return [warning(check, `could not be checked from outside: ${why}`, hint)];
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return [
      warning(check, `could not be checked: the end_session endpoint does not answer (${error.code}).`, hint),
    ];
  }
}

function signOutUrl(endpoint: URL, { provider }: Subject, back: string | undefined): URL {
  const url = new URL(endpoint);
  url.searchParams.set('client_id', provider.clientId);
  if (back) url.searchParams.set('post_logout_redirect_uri', back);
  url.searchParams.set('state', random());
  return url;
}
