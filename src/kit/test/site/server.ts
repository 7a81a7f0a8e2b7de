import { run } from '../../start.ts';
import { site } from './site.ts';

// The test site as a process of its own, as `npm start` runs an app.
await run(site, { root: import.meta.dirname });
