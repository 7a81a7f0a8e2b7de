import { test } from 'vitest';
import { checkSite } from '#kit/testing';
import { site } from '../src/site.ts';

// Opens every page, tries every route and reads every view. Where something is wrong, it says what to do.
test('the site is in order', () => checkSite(site));
