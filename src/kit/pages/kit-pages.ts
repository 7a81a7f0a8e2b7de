import type { Page } from './page.ts';
import { sessionsPage } from './sessions.ts';
import { signedOutPage } from './signed-out.ts';

/** The pages that every app has. They stand in the menu behind the site's own. */
export const kitPages: readonly Page[] = [sessionsPage, signedOutPage];
