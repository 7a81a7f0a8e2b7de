import type { AnySite } from '../site.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, ok, warning } from './finding.ts';
import { listOf } from './metadata-lists.ts';

/**
 * Whether the provider makes accounts, where a site says that its links ask for one.
 *
 * @param elsewhere whether another provider makes some: the page that asks where to sign in then shows these alone
 */
export function* checkSignUp(
  site: Pick<AnySite, 'loginParameters'> | undefined,
  metadata: Metadata | undefined,
  elsewhere = false,
): Generator<Finding> {
  if (!site?.loginParameters?.includes('prompt=create')) return;
  const offered = metadata?.prompt_values_supported;
  if (metadata && !makesAccounts(metadata) && elsewhere) {
    yield ok(
      'sign-up',
      'the metadata does not list prompt=create, so links with it leave this provider out.',
    );
    return;
  }
  // Without a list nobody can say; and what is allowed by default may be wanted by nobody.
  if (metadata === undefined || offered === undefined) return;
  yield makesAccounts(metadata)
    ? ok('sign-up', 'the metadata lists prompt=create, which opens a form for a new account.')
    : warning(
        'sign-up',
        'the metadata does not list create among its prompts, so a link with prompt=create signs in as usual.',
        'Let users register at the provider (Keycloak: Realm settings, Login), or remove prompt=create from loginParameters in site.ts.',
      );
}

export function makesAccounts({ prompt_values_supported }: Metadata): boolean {
  return listOf(prompt_values_supported).includes('create');
}
