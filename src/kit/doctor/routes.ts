import type { Config } from '../config/index.ts';
import type { AnySite } from '../site.ts';
import { type Finding, warning } from './finding.ts';

/**
 * Rules of plain routes are known only once `routes` has run, and that needs what `open` opens, such as a database. The
 * doctor opens nothing of the site's, and says what it did not see.
 */
export function* checkRoutes({ providers }: Config, site: AnySite | undefined): Generator<Finding> {
  if (providers.length < 2 || !(site?.routes || site?.publicRoutes)) return;
  yield warning(
    'routes',
    'the rules in `routes` and `publicRoutes` of site.ts were not looked at. With several providers, one on scopes, claims or acr must name its `providers`.',
    'Start the app once with these settings: it stops at such a rule, and names its route.',
  );
}
