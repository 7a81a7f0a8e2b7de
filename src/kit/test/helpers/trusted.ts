import { afterAll, beforeAll } from 'vitest';
import { type Certificate, trust } from './certificates.ts';

/** Has this process trust a certificate while the tests of the file, or of the group, around the call run. */
export function trustDuringTests(certificate: Certificate): void {
  let endTrust = () => {};
  beforeAll(() => {
    endTrust = trust(certificate);
  });
  afterAll(() => endTrust());
}
