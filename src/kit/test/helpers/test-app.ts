import { onTestFinished } from 'vitest';
import { startTestApp, type TestApp, type TestAppOptions } from '../../testing/index.ts';
import { site } from '../site/site.ts';
import { siteFolder } from './app.ts';
import { type SmallSite, smallSite } from './small-site.ts';

/** A test app with the tests' own site, for one test: it stops by itself. */
export async function startForTest(options: Partial<TestAppOptions> = {}): Promise<TestApp> {
  const app = await startTestApp({ site, root: siteFolder, ...options });
  onTestFinished(() => app.stop());
  return app;
}

/** The same with a site that is written for the test. */
export function startSmall(parts: SmallSite, env: Record<string, string> = {}): Promise<TestApp> {
  return startForTest({ ...smallSite(parts), env });
}
