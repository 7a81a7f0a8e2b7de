import { adminPage } from './admin.ts';
import { apiDataPage } from './api-data.ts';
import { homePage } from './home.ts';
import type { Page } from '../kit/pages/page.ts';
import { profilePage } from './profile.ts';
import { sessionsPage } from '../kit/pages/sessions.ts';
import { signedOutPage } from '../kit/pages/signed-out.ts';

export { helloApi } from './hello-api.ts';
export type { Page, PageAction, ProtectedPage, PublicPage } from '../kit/pages/page.ts';
export { initials } from '../kit/pages/person.ts';

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
