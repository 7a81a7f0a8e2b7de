import { z } from 'zod'; // example
import { defineSite, webAddress } from '#kit'; // example
import { openDatabase } from './data/database.ts'; // example
import { adminPage } from './pages/admin.ts'; // example
import { apiDataPage } from './pages/api-data.ts'; // example
import { homePage } from './pages/home.ts';
import { notePage, notesPage } from './pages/notes.ts'; // example
import { profilePage } from './pages/profile.ts';

/** Your app, in one place. docs/guide.md says what each part is for, and what else may be here. */
export const site = defineSite({
  name: 'Express confidential web app',
  settings: {
    DATABASE_FILE: { default: 'data/app.sqlite', meaning: 'where the notes are kept', schema: z.string() }, // example
    API_URL: { meaning: 'the API of the page /api-data', schema: webAddress.optional() }, // example
  },
  open: ({ settings }) => openDatabase(settings.DATABASE_FILE), // example
  pages: () => [
    homePage,
    profilePage,
    notesPage, // example
    notePage, // example
    apiDataPage, // example
    adminPage, // example
  ],
});

declare module '#kit' {
  interface Register {
    site: typeof site;
  }
}
