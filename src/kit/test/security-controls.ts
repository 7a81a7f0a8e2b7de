import { apiControls } from './controls/apis.ts';
import { operationControls } from './controls/operation.ts';
import { relyingPartyControls } from './controls/relying-party.ts';
import { sessionControls } from './controls/sessions.ts';
import { severalProvidersControls } from './controls/several-providers.ts';
import { signInControls } from './controls/sign-in.ts';
import { signedAndEncryptedControls } from './controls/signed-and-encrypted.ts';
import { webControls } from './controls/web.ts';

/** A requirement, what this app does about it, and what shows that it does. */
export interface Control {
  /** The numbers in OWASP ASVS 5.0, or the other specification's name. */
  id: string;
  /** The ASVS level; the highest of the numbers. */
  level?: 1 | 2 | 3;
  what: string;
  /** `file: part of the name` of a test, in `test/<file>.test.ts`; a table of cases stands in `helpers/`. */
  tests?: string[];
  /** Only the one who runs the app can do it. */
  deployer?: true;
}

/** Every control, by subject. `npm run controls` prints them; a control without a test is a gap. */
export const securityControls: Readonly<Record<string, readonly Control[]>> = {
  'Cookies, headers, pages': webControls,
  'Sessions and access': sessionControls,
  'OAuth and OpenID Connect': signInControls,
  'Signed and encrypted messages': signedAndEncryptedControls,
  'Several providers': severalProvidersControls,
  'Calling APIs': apiControls,
  "What the OpenID Foundation's relying-party tests try": relyingPartyControls,
  'Logs, errors, settings, transport': operationControls,
};
