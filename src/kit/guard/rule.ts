import type { Text } from '../errors/texts.ts';
import type { Member } from '../session/register.ts';
import type { RequestContext } from '../session/request-context.ts';
import type { User } from '../session/user.ts';

/** Who may see something. An empty rule means: whoever is signed in. All parts must hold. */
export interface Rule {
  /**
   * Any one of these providers, by their names in OIDC_PROVIDERS. Where there are several, a rule with `scopes`, `claims`
   * or `acr` must say whose it means: another provider gives the same words to anybody it likes.
   */
  providers?: string | readonly string[];
  /** Any one of these roles. */
  roles?: string | readonly string[];
  /** All of these roles. */
  allRoles?: readonly string[];
  /** All of these scopes were granted. */
  scopes?: readonly string[];
  /** Says yes to the user's claims. */
  claims?: (claims: Readonly<Record<string, unknown>>) => boolean | Promise<boolean>;
  /** Says yes to what `signIn` in site.ts gave as `member`. */
  member?: (member: Member) => boolean | Promise<boolean>;
  /** Says yes to anything else, and may ask a database. Asked last, and also for the menu. */
  allow?: (at: RequestContext & { user: User }) => boolean | Promise<boolean>;
  /** One of these authentication context classes; else the user is asked to sign in more strongly. */
  acr?: string | readonly string[];
  /** Seconds since the user last proved who they are; else they are asked to do so again. */
  maxAgeSeconds?: number;
  /**
   * Goes on with a fresh sign-in whose answer does not say when the user proved who they are. Only for what harms
   * nobody, such as ending one's own sessions: a provider that ignored the demand would not be noticed (R18).
   */
  withoutAuthTime?: boolean;
}

/** What an account is missing. */
export interface Lack {
  /** For the log: `the role admin`. */
  reason: string;
  /** For the person; undefined where there is nothing more to say. */
  needed?: Text;
  /** What they have instead, for the developer. */
  held: { label: Text; value: Text };
}
