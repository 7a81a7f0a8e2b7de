import type { Language } from '../../errors/language.ts';

export type DecimalSign = '.' | ',';

const known = new Map<string, DecimalSign>();

/** What a language writes between 12 and 50: German people type 12,50. As many are kept as a site has languages. */
export function decimalSign({ tag }: Language): DecimalSign {
  const sign = known.get(tag) ?? signOf(tag);
  known.set(tag, sign);
  return sign;
}

/** A language that this Node does not know writes numbers as English does. */
function signOf(tag: string): DecimalSign {
  const parts = new Intl.NumberFormat([tag, 'en']).formatToParts(1.5);
  return parts.find(({ type }) => type === 'decimal')?.value === ',' ? ',' : '.';
}
