// What tests of an app use, as '#kit/testing'. No part of the running app.

export { startTestApp, type TestApp, type TestAppOptions, type TestProvider } from './app.ts';
export { checkSite, type SiteReport } from './check-site.ts';
export { hasPostgres } from './databases.ts';
export type { Fields } from './fields.ts';
export type { LogLine } from './log.ts';
export type { TestPage } from './page.ts';
export type { FetchInit, Person, SignInOptions, Visit, Visitor, VisitorOptions } from './person.ts';
export { hasRedis } from './redis.ts';
