/**
 * What `npm run check` of the template asks of its own packages: each is used, and each that is used is in package.json.
 * A copy is not asked: its owner may add a package today and use it tomorrow.
 */
import settings from '../knip.json' with { type: 'json' };

const { $schema: _, ...shared } = settings;

export default {
  ...shared,
  include: ['dependencies', 'unlisted', 'unresolved', 'binaries'],
  exclude: [],
  ignoreIssues: {
    // Their packages are those of bench/package.json.
    'bench/servers/**': ['unlisted'],
    '**/*.ts': ['binaries'],
  },
};
