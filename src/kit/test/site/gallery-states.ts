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
  { name: 'bookings', view: 'bookings', locals: { ...signedIn('Bookings', '/bookings'), bookings: [] } },
  { name: 'bookings-wrong', view: 'bookings', locals: wrongBooking() },
];

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
