import { expect, test } from 'vitest';
import { z } from 'zod';
import { definePage, isPage } from '../pages/page.ts';

// What TypeScript knows in an action. tsc reads this: where a line is wrong, `npm run check` fails.

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function same<A, B>(_same: Same<A, B>): void {}

const bookings = definePage({
  path: '/bookings/:id',
  title: 'Bookings',
  access: 'signed-in',
  view: 'bookings',
  model: ({ params }) => ({ id: params.id }),
  actions: {
    add: {
      form: z.object({
        name: z.string(),
        count: z.coerce.number(),
        day: z.iso.date().optional(),
        extras: z.array(z.enum(['high-chair', 'window'])),
        agreed: z.boolean().default(false),
        until: z.string().transform((text) => new Date(text)),
      }),
      run: ({ values, params, user, data, settings }) => {
        same<
          typeof values,
          {
            name: string;
            count: number;
            day?: string | undefined;
            extras: ('high-chair' | 'window')[];
            agreed: boolean;
            until: Date;
          }
        >(true);
        same<typeof params.id, string>(true);
        same<typeof user.sub, string>(true);
        same<typeof data.greeting, string>(true);
        same<typeof settings.API_URL, string | undefined>(true);
        // @ts-expect-error the form has no such field
        return values.nothing;
      },
    },
    cancel: {
      access: { maxAgeSeconds: 60 },
      form: z.object({ why: z.string().nullable() }),
      run: async ({ values }) => {
        same<typeof values, { why: string | null }>(true);
        // @ts-expect-error of the other form
        return values.name;
      },
    },
    plain: {
      run: ({ values, req, params }) => {
        same<typeof params.id, string>(true);
        // @ts-expect-error without a form there are no values
        values.name;
        return `/bookings/${req.body.name}`;
      },
    },
    none: { run: () => '/' },
  },
});

const wrong = definePage({
  path: '/wrong',
  title: 'Wrong',
  access: 'signed-in',
  view: 'wrong',
  actions: {
    add: {
      // @ts-expect-error a form is a zod object
      form: z.string(),
      run: () => '/',
    },
    also: {
      // @ts-expect-error a form is a zod object
      form: { text: z.string() },
      run: () => '/',
    },
  },
});

const open = {
  ...{ path: '/open', title: 'Open', access: 'everyone', view: 'open' },
  actions: { add: { form: z.object({}), run: () => '/' } },
} as const;

test('the values of an action have the types of its schema, beside the others', () => {
  expect([bookings, wrong].every(isPage)).toBe(true);
  // @ts-expect-error a page for everyone has no actions
  expect(isPage(definePage(open))).toBe(true);
});
