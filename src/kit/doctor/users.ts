import { type Finding, ok, warning } from './finding.ts';
import type { Subject } from './subject.ts';

/** Who may come in from a provider, and what the roles of its users are read from. */
export function* checkUsers({ provider }: Subject): Generator<Finding> {
  const { name, rolesClaim, allowedTenants } = provider;
  yield rolesClaim === undefined
    ? warning(
        'roles',
        `nobody gets a role from ${name}: OIDC_ROLES_CLAIM is not set.`,
        'Set it to the claim that has them, if its users are to have roles. `signIn` in site.ts can give some too.',
      )
    : ok('roles', `are read from the claim ${rolesClaim}.`);
  if (allowedTenants.includes('*')) {
    yield warning(
      'tenants',
      'OIDC_ALLOWED_TENANTS=* lets in users of every Microsoft tenant, but for those that `signIn` in site.ts refuses: it alone decides.',
      'Have it check the tenant (the claim tid) or who was invited, or name the tenants here. Front-channel logout of Entra does not work with *.',
    );
  } else if (allowedTenants.length > 0) {
    yield ok('tenants', `users of ${allowedTenants.length} may sign in, and no others.`);
  }
}
