/** The files of a setting that names one, or two with a comma between them. */
export function listOf(setting: string | undefined): string[] {
  return setting === undefined ? [] : setting.split(',').map((path) => path.trim());
}

/** Each file of a setting that names one or two, or what is wrong with it. */
export function readEach<T extends object>(
  name: string,
  setting: string | undefined,
  readOne: (path: string) => T | string,
): { found: T[]; problems: string[] } {
  const paths = listOf(setting);
  const results = paths.filter((path) => path !== '').map(readOne);
  const problems = results.filter((result) => typeof result === 'string');
  if (paths.length > 2 || paths.includes('')) {
    problems.push(`${name} must be one file, or two with a comma between them.`);
  }
  return { found: results.filter((result) => typeof result !== 'string'), problems };
}
