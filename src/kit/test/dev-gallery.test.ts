import supertest from 'supertest';
import { expect, test } from 'vitest';
import { createGallery } from '../dev/gallery.ts';
import { galleryStates } from '../dev/gallery-states.ts';
import { testFolders } from './helpers/app.ts';

// The gallery is beside the app that is developed, at the same host. Cookies know no ports.

test('no state of the gallery leaves a cookie, or takes one of the app away, whatever cookies the browser has', async () => {
  const gallery = createGallery({ site: { name: 'App' }, folders: testFolders, development: false });
  const cookie = 'session=s%3Aabc; said=abc; signed-out=abc; login-abc=abc; sign-ins=abc; provider=work';
  const states = galleryStates();
  expect(states.length).toBeGreaterThan(30);
  for (const { name } of [...states, { name: 'no-such-state' }]) {
    const { headers } = await supertest(gallery).get(`/dev/gallery/${name}`).set('Cookie', cookie);
    expect([headers['set-cookie'], headers['clear-site-data']], name).toEqual([undefined, undefined]);
  }
}, 60_000);
