import type { AnySite } from '../site.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, ok, warning } from './finding.ts';
import { listOf } from './metadata-lists.ts';

/** Whether the provider makes accounts, where a site says that its links ask for one. */
export function* checkSignUp(
  site: Pick<AnySite, 'loginParameters'> | undefined,
  metadata: Metadata | undefined,
): Generator<Finding> {
  const offered = metadata?.prompt_values_supported;
  // Without a list nobody can say; and what is allowed by default may be wanted by nobody.
  if (offered === undefined || !site?.loginParameters?.includes('prompt=create')) return;
  yield listOf(offered).includes('create')
    ? ok('sign-up', 'the metadata lists prompt=create, which opens a form for a new account.')
    : warning(
        'sign-up',
        'the metadata does not list create among its prompts, so a link with prompt=create signs in as usual.',
        'Let users register at the provider (Keycloak: Realm settings, Login), or take prompt=create out of loginParameters in site.ts.',
      );
}
