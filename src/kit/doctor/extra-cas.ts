import { doubtsAbout } from '../config/extra-cas.ts';
import type { Config } from '../config/index.ts';
import { type Finding, ok, warning } from './finding.ts';

/** The CAs trusted besides those that Node trusts. */
export function* checkExtraCas({ extraCas }: Config): Generator<Finding> {
  if (extraCas.length === 0) return;
  const doubts = doubtsAbout(extraCas);
  for (const doubt of doubts) {
    const [what = '', fix = ''] = doubt.split(': ');
    yield warning('EXTRA_CA_FILE', `${what}.`, `${fix.charAt(0).toUpperCase()}${fix.slice(1)}.`);
  }
  if (doubts.length === 0)
    yield ok('EXTRA_CA_FILE', `certificates that are trusted too: ${extraCas.length}.`);
}
