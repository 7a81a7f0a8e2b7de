const codes = /^(?:UNABLE_TO_\w+|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT(?:_IN_CHAIN)?|CERT_UNTRUSTED)$/;

/** Whether a connection failed because nobody here knows who signed the server's certificate. */
export function isUnknownCa(code: unknown): boolean {
  return typeof code === 'string' && codes.test(code);
}

/** Which setting helps. */
export const nameTheCa = "name the file with that CA's certificate in EXTRA_CA_FILE";
