import type { AllTexts } from '../errors/texts.ts';
import { claims } from './de/claims.ts';
import { failures } from './de/failures.ts';
import { forms } from './de/forms.ts';
import { pages } from './de/pages.ts';
import { requests } from './de/requests.ts';

/**
 * Every sentence of the kit in German, in the polite form: `texts: { en: {}, de: german }` in site.ts. Other words for
 * some of them: `de: { ...german, 'button.sign-in': 'Einloggen' }`.
 */
export const german: AllTexts = { ...claims, ...failures, ...forms, ...pages, ...requests };
