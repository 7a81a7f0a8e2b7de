import { sampleAccounts } from '../../dev/accounts.ts';
import { around, type GalleryState, galleryStates, inHours, signedIn } from '../../dev/gallery-states.ts';
import { layOutClaims, layOutJson } from '../../pages/claims.ts';
import { dateTime } from '../../pages/time.ts';

/** The kit's pages, and those of the test site, in every state. */
export const allStates: GalleryState[] = [
  ...galleryStates(),
  { name: 'home-signed-out', view: 'home', locals: { ...around('Home', '/'), signInHref: '/auth/login' } },
  {
    name: 'home-sign-up',
    view: 'home',
    locals: { ...around('Home', '/'), signInHref: '/auth/login', signUpHref: '/auth/login?prompt=create' },
  },
  { name: 'home-signed-in', view: 'home', locals: home() },
  { name: 'home-store-away', view: 'home', locals: { ...around('Home', '/'), storeAway: true } },
  { name: 'profile', view: 'profile', locals: profile('alice', ['admin', 'member']) },
  { name: 'profile-bare', view: 'profile', locals: profile('dave') },
  { name: 'profile-hostile', view: 'profile', locals: profile('eve', ['member', '<i>role</i>']) },
  { name: 'admin', view: 'admin', locals: { ...signedIn('Administration', '/admin'), roles: ['admin'] } },
  { name: 'api-data', view: 'api-data', locals: apiData(layOutJson('{"message":"Hello, Alice","count":3}')) },
  { name: 'api-data-away', view: 'api-data', locals: apiData({ problem: 'away' }) },
  { name: 'form', view: 'form', locals: form('Book a table', {}) },
  {
    name: 'form-with-errors',
    view: 'form',
    locals: form('Error: Book a table', {
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
    }),
  },
  { name: 'table', view: 'table', locals: table() },
  { name: 'bookings', view: 'bookings', locals: { ...signedIn('Bookings', '/bookings'), bookings: [] } },
  { name: 'bookings-wrong', view: 'bookings', locals: wrongBooking() },
];

function form(title: string, filledIn: object) {
  const form = { action: '', values: {}, errors: {}, summary: [], ...filledIn };
  return { ...signedIn(title, '/bookings'), form };
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
  return { ...signedIn('Bookings', '/bookings'), bookings, said: 'Your table is booked for <b>two</b>.' };
}

function wrongBooking() {
  const form = {
    action: 'add',
    values: { name: 'Ann', people: '1e1', extras: ['window'], vegetarian: 'on', wishes: '<b>\nA cake' },
    errors: { people: 'Enter a whole number, such as 12.', place: 'Choose one of the options.' },
    summary: ['We have no table for eleven.'],
  };
  return { ...signedIn('Bookings', '/bookings'), title: 'Error: Bookings', bookings: [], form };
}

function home() {
  return { ...signedIn('Home', '/'), greeting: 'Hello', signedInUntil: dateTime(inHours(7.8)) };
}

function profile(sub: string, roles: string[] = []) {
  const account = sampleAccounts.find((each) => each.sub === sub)?.claims;
  const claims: Record<string, unknown> = {
    ...account,
    sub,
    iss: 'http://localhost:3001',
    exp: 1_800_000_000,
  };
  return {
    ...signedIn('Your profile', '/profile', undefined, String(claims.name ?? sub)),
    email: claims.email,
    roles,
    groups: layOutClaims(claims),
    raw: JSON.stringify(claims, null, 2),
  };
}

function apiData(answer: object) {
  return { ...signedIn('Data from the API', '/api-data'), token: { expiresAt: inHours(0.8) }, ...answer };
}
