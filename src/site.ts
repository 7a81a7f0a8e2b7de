import { defineSite } from '#kit';
import { databaseSettings, openDatabase } from './data/database.ts'; // example
import { signIn } from './data/sign-in.ts'; // example
import { adminPage } from './pages/admin.ts'; // example
import { apiDataPage, apiHistoryPage, apiSettings, dataApi } from './pages/api-data.ts'; // example
import { homePage } from './pages/home.ts';
import { deleteNotePage, newNotePage, notePage } from './pages/note.ts'; // example
import { noteRoutes, notesPage } from './pages/notes.ts'; // example
import { profilePage } from './pages/profile.ts';

/** Your app, in one place. docs/guide.md says what each part is for, and what else may be here. */
export const site = defineSite({
  name: 'My app',
  description: 'Keep your notes in one place, where only you can read them.', // example
  settings: {
    // Your own settings, checked with the kit's before the start: NAME: { meaning: '…', default: '…', schema: … }
    ...databaseSettings, // example
    ...apiSettings, // example
  },
  open: ({ settings, log }) => openDatabase(settings, log), // example
  signIn, // example
  apis: ({ settings }) => ({ data: dataApi(settings) }), // example
  pages: () => [
    // In the order of the menu.
    homePage,
    profilePage,
    notesPage, // example
    newNotePage, // example
    notePage, // example
    deleteNotePage, // example
    apiDataPage, // example
    apiHistoryPage, // example
    adminPage, // example
  ],
  routes: noteRoutes, // example
});

declare module '#kit' {
  interface Register {
    site: typeof site;
  }
}
