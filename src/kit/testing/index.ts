// What tests of an app use, as '#kit/testing'. No part of the running app.

export { type LogLine, startTestApp, type TestApp, type TestAppOptions } from './app.ts';
export { checkSite, type SiteReport } from './check-site.ts';
export type { Fields } from './forms.ts';
export type { TestPage } from './page.ts';
export type { Person, SignInOptions, Visit, Visitor, VisitorOptions } from './person.ts';
