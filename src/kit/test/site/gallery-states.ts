import type { Express, RequestHandler } from 'express';
import { createGallery } from '../../dev/gallery.ts';
import { type GalleryState, list, type Scenes } from '../../dev/gallery-list.ts';
import { alice, eve, type Person } from '../../dev/gallery-people.ts';
import { markOf } from '../../dev/gallery-stage.ts';
import { galleryStates } from '../../dev/gallery-states.ts';
import type { SiteTexts } from '../../errors/texts.ts';
import { foldersOf } from '../../folders.ts';
import { layOutJson } from '../../pages/claims.ts';
import { kitPages } from '../../pages/kit-pages.ts';

import { adminPage, bookingsPage, homePage, profilePage } from './pages.ts';

const dave: Person = { ...alice, sub: 'dave', claims: { preferred_username: 'dave' } };

const ofTheSite: Scenes = {
  'home-signed-out': ['', { at: '/' }],
  'home-sign-up': ['', { at: '/', providers: 2 }],
  'home-signed-in': ['', { at: '/', user: alice }],
  'home-store-away': ['', { at: '/', storeAway: true }],
  profile: ['', { at: '/profile', user: alice }],
  'profile-bare': ['', { at: '/profile', user: dave }],
  'profile-hostile': ['', { at: '/profile', user: eve }],
  admin: ['', { at: '/admin', user: alice }],
  'api-data': [
    '',
    { at: '/api-data', user: alice, show: apiData(layOutJson('{"message":"Hello, Alice","count":3}')) },
  ],
  'api-data-away': ['', { at: '/api-data', user: alice, show: apiData({ problem: 'away' }) }],
  form: ['', { at: '/bookings', user: alice, show: shows('form', { title: 'Book a table' }) }],
  'form-with-errors': ['', { at: '/bookings', user: alice, show: shows('form', wrongForm()) }],
  table: ['', { at: '/bookings', user: alice, show: shows('table', table()) }],
  bookings: ['', { at: '/bookings', user: alice }],
  'bookings-wrong': ['', { at: '/bookings/add', user: alice, form: wrongBooking() }],
};

/** The kit's pages, and those of the test site, in every state. */
export const allStates: readonly GalleryState[] = [...galleryStates(), ...list('The site', ofTheSite)];

/** Of the site, on each of its pages. */
export const help = 'mailto:help@example.com';

/** Shows them at /dev/gallery/<name>. */
export function createTestGallery({
  development = false,
  texts,
}: {
  development?: boolean;
  texts?: SiteTexts;
} = {}): Express {
  return createGallery({
    site: { name: 'App', help, texts },
    folders: foldersOf(import.meta.dirname),
    pages: [homePage, profilePage, adminPage, bookingsPage, ...kitPages],
    siteParts: { data: { greeting: 'Hello', bookings: [] }, settings: {} },
    states: allStates,
    development,
  });
}

function shows(view: string, model: object): RequestHandler {
  return (_req, res) => res.render(view, model);
}

function apiData(answer: object): RequestHandler {
  const expiresAt = new Date(Date.now() + 3_000_000);
  return shows('api-data', { title: 'Data from the API', token: { expiresAt }, ...answer });
}

function wrongForm() {
  return {
    title: 'Book a table',
    tabTitle: 'Error: Book a table',
    form: {
      action: 'add',
      values: {
        ...{ name: '"><b>claim</b>', date: '2026-12-24', guests: '0', menu: 'large', room: 'garden' },
        wishes: '</textarea><script>alert(1)</script>\nA quiet corner',
      },
      errors: {
        ...{
          date: 'Nothing is free on this day',
          guests: 'Guests must be at least 1',
          room: 'Choose a room',
        },
        terms: 'You need to agree to <i>role</i> the house rules',
      },
      summary: ['You can have three bookings at most. Cancel one of them first, or call us and ask.'],
    },
  };
}

function table() {
  const bookings = [
    { name: 'Alice Adams', date: '24 November 2026', room: 'Garden', guests: 2, price: '€ 84.00' },
    {
      name: 'Konstantinos Papadopoulos-Montgomery',
      date: '25 November 2026',
      room: 'Inside',
      guests: 12,
      price: '€ 1,204.50',
    },
    { name: '<i>role</i>', date: '26 November 2026', room: 'Inside', guests: 104, price: '€ 9,900.00' },
  ];
  return { title: 'Bookings', bookings, said: 'Your table is booked for <b>two</b>.' };
}

function wrongBooking(): string {
  return new URLSearchParams({
    ...{ name: 'Ann', people: '1e1', extras: 'window', vegetarian: 'on', wishes: '<b>\nA cake' },
    'kit-form': markOf(alice),
  }).toString();
}
