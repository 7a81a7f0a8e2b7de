import type { z } from 'zod';

export interface Setting {
  name: string;
  /** The value if it is not set. */
  default?: string;
  meaning: string;
  example?: string;
  /** Never shown, and read from NAME_FILE too. */
  secret?: boolean;
  /** Of one provider, and never shared by those of OIDC_PROVIDERS. */
  ownOnly?: true;
}

export interface Definition extends Omit<Setting, 'name'> {
  schema: z.ZodType<unknown, string>;
  /** What to do when it is missing, for what must be there. */
  hint?: string;
}
