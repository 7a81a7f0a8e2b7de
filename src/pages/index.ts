import { adminPage } from './admin.ts';
import { apiDataPage } from './api-data.ts';
import { homePage } from './home.ts';
import type { Page } from './page.ts';
import { profilePage } from './profile.ts';
import { sessionsPage } from './sessions.ts';
import { signedOutPage } from './signed-out.ts';

export { helloApi } from './hello-api.ts';
export type { Page, PageAction, ProtectedPage, PublicPage } from './page.ts';
export { initials } from './person.ts';

/** Every page of the app. A page that is not listed here does not exist (404). */
export function listPages(settings: { apiUrl?: string | undefined }): Page[] {
  const rooms = [
    profilePage,
    sessionsPage,
    ...(settings.apiUrl ? [apiDataPage(settings.apiUrl)] : []),
    adminPage,
  ];
  return [homePage(rooms), ...rooms, signedOutPage];
}
