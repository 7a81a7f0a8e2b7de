import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { refuse } from '../errors/page-errors.ts';
import { requireAuth } from '../guard/require-auth.ts';
import type { Rule } from '../guard/rules.ts';
import { definePage } from '../pages/page.ts';
import type { User } from '../session/user.ts';
import { defineSite } from '../site.ts';

// What flows from site.ts into pages without a cast. TypeScript is the test: `npm run check` runs it.

type TypesOf<S> = S extends { readonly types?: infer T } ? NonNullable<T> : never;

const settings = { API_URL: { meaning: 'the API', schema: z.string().optional() } };
const open = async () => ({ data: { plans: new Map<string, 'free' | 'gold'>() } });
interface Loaded {
  plans: Map<string, 'free' | 'gold'>;
}
const base = { name: 'Typed', settings, pages: () => [] };

test('data and settings reach signIn, and its member and the names of APIs reach the pages', () => {
  const later = defineSite({
    ...{ name: 'Typed', settings, pages: () => [] },
    open,
    apis: ({ settings }) => ({ notes: { url: settings.API_URL }, billing: { url: undefined } }),
    signIn: async ({ data, settings, claims, sub, roles, fetchApi, reason, log }) => {
      expectTypeOf(data).toEqualTypeOf<Loaded>();
      expectTypeOf(settings.API_URL).toEqualTypeOf<string | undefined>();
      expectTypeOf(claims.email).toEqualTypeOf<unknown>();
      expectTypeOf(reason).toEqualTypeOf<'sign-in' | 'recheck'>();
      log.info(sub);
      const answer = await fetchApi('notes', '/plan');
      if (!answer.ok) throw refuse('No plan.');
      return { roles: [...roles, 'editor'], member: { id: 7, plan: data.plans.get(sub) } };
    },
  });
  type Types = TypesOf<typeof later>;
  expectTypeOf<Types['member']>().toEqualTypeOf<{ id: number; plan: 'free' | 'gold' | undefined }>();
  expectTypeOf<Types['data']>().toEqualTypeOf<Loaded>();
  expectTypeOf<Types['settings']['API_URL']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Types['api']>().toEqualTypeOf<'notes' | 'billing'>();
});

test('a signIn that answers at once, or differently, has the type of all that it gives', () => {
  const atOnce = defineSite({ ...base, open, signIn: ({ sub }) => ({ member: { sub } }) });
  expectTypeOf<TypesOf<typeof atOnce>['member']>().toEqualTypeOf<{ sub: string }>();

  const several = defineSite({
    ...base,
    open,
    signIn: async ({ data, sub, roles }) => {
      const plan = data.plans.get(sub);
      if (roles.includes('staff')) return { roles, member: { kind: 'staff' as const } };
      if (!plan) return { roles: [] };
      return { member: { kind: 'customer' as const, plan } };
    },
  });
  type Member = TypesOf<typeof several>['member'];
  expectTypeOf<undefined>().toExtend<Member>();
  const nameOf = (member: Member) => {
    if (member?.kind !== 'customer') return member?.kind;
    expectTypeOf(member.plan).toEqualTypeOf<'free' | 'gold'>();
    return member.plan;
  };
  expect(nameOf({ kind: 'staff' })).toBe('staff');
});

test('a signIn without a member, or none, gives no member', () => {
  const roles = defineSite({ ...base, signIn: () => ({ roles: ['a'] }) });
  expectTypeOf<TypesOf<typeof roles>['member']>().toEqualTypeOf<undefined>();
  const nothing = defineSite({
    ...base,
    signIn: async ({ roles }) => {
      if (roles.length === 0) throw refuse();
    },
  });
  expectTypeOf<TypesOf<typeof nothing>['member']>().toEqualTypeOf<undefined>();
  const none = defineSite(base);
  expectTypeOf<TypesOf<typeof none>['member']>().toEqualTypeOf<undefined>();
  expectTypeOf<TypesOf<typeof none>['api']>().toEqualTypeOf<never>();
});

test('what signIn may not return does not compile', () => {
  // @ts-expect-error: roles are a list of texts
  defineSite({ ...base, signIn: () => ({ roles: 'admin' }) });
  // @ts-expect-error: no such part
  defineSite({ ...base, signIn: () => ({ rolse: ['admin'] }) });
  // @ts-expect-error: a list is no answer
  defineSite({ ...base, signIn: () => ['admin'] });
});

test('`open` goes before what works with its data, as TypeScript reads from top to bottom', () => {
  // One without a parameter is read first, wherever it is.
  const after = defineSite({
    ...base,
    signIn: ({ data, sub }) => ({ member: data.plans.get(sub) }),
    open,
  });
  expectTypeOf<TypesOf<typeof after>['member']>().toEqualTypeOf<'free' | 'gold' | undefined>();
  defineSite({
    ...base,
    // @ts-expect-error: not known yet, as `open` below has a parameter
    signIn: ({ data, sub }) => ({ member: data.plans.get(sub) }),
    // @ts-expect-error: TypeScript has settled by then that there is no data
    open: async ({ log }) => {
      log.info('open');
      return await open();
    },
  });
});

test('an API that site.ts does not name does not compile, nor what is no rule', () => {
  definePage({
    ...{ path: '/typed', title: 'Typed', access: 'signed-in', view: 'own' },
    model: async ({ fetchApi, user }) => {
      await fetchApi('data', '/x');
      // @ts-expect-error: the test site has no such API
      await fetchApi('nots', '/x').catch(() => {});
      expectTypeOf(user).toEqualTypeOf<User>();
      return {};
    },
  });
  requireAuth({ member: (member) => member === undefined, allow: async ({ data }) => data.greeting !== '' });
  // @ts-expect-error: a text is no yes
  requireAuth({ allow: () => 'yes' });
  // @ts-expect-error: a yes that comes later is one of true and false too
  requireAuth({ claims: async () => 1 });
  expect(true).toBe(true);
});

test('a page with a parameter in its path has no `nav`, and the type error says so there, whoever may see it', () => {
  definePage({
    ...{ path: '/typed/:id', title: 'Typed', view: 'own' },
    access: 'everyone',
    // @ts-expect-error: nobody knows which address the menu should lead to
    nav: 'Typed',
  });
  definePage({
    ...{ path: '/typed/:id', title: 'Typed', view: 'own' },
    access: { roles: 'admin' },
    // @ts-expect-error: as above
    nav: { en: 'Typed', de: 'Typen' },
  });
  definePage({
    ...{ path: '/typed', title: 'Typed', view: 'own', nav: 'Typed' },
    // @ts-expect-error: the one that is wrong, and no other
    access: 'everybody',
  });
  definePage({
    ...{ path: '/typed', title: 'Typed', view: 'own' },
    access: 'everyone',
    model: ({ user, params }) => {
      expectTypeOf(user).toEqualTypeOf<User | undefined>();
      // @ts-expect-error: the path has no parameter
      params.id;
      return {};
    },
    // @ts-expect-error: a form of a page for everyone is a plain route
    actions: { add: { run: () => '/' } },
  });
  // The rule comes after what it decides.
  definePage({
    ...{ path: '/typed', title: 'Typed', view: 'own' },
    model: ({ user }) => {
      expectTypeOf(user).toEqualTypeOf<User>();
      return {};
    },
    access: { claims: (claims) => claims.email_verified === true },
  });
  const page = definePage({ path: '/typed/:id', title: 'Typed', access: 'signed-in', view: 'own' });
  expectTypeOf(page.access).toEqualTypeOf<'signed-in' | Rule>();
  expect(true).toBe(true);
});
