export type Argument = string | Buffer;
export type Send = (args: Argument[], binary?: boolean) => Promise<unknown>;

/** One connection to Redis, or one set of connections to a cluster: made, used and thrown away as a whole. */
export interface Link {
  connect(): Promise<unknown>;
  /** The key says which node; the answer's strings are Buffers where `binary`. */
  send(key: string, args: Argument[], binary: boolean): Promise<unknown>;
  /** One for each master. */
  nodes(): Promise<Send[]>;
  /**
   * Waits until the replicas have what was written, and answered, by this link on the node of this key. Absent where a
   * failover does not choose among replicas that we know of.
   *
   * @returns undefined when every replica has it; else why that is not known
   */
  settle?(key: string): Promise<string | undefined>;
  destroy(): void;
  /** Whether parts of it may work while others do not. */
  readonly partial: boolean;
}

export type CreateLink = (onGone: (cause: Error) => void) => Link;

/** A link that cannot be made, and what an operator can do about it. */
export class LinkError extends Error {
  override name = 'LinkError';
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** Redis repeats an unknown command with its arguments, and in them are session ids (R20). */
export function withoutArguments(message: string): string {
  const end = message.search(/,? with args beginning with/i);
  return end < 0 ? message : message.slice(0, end);
}
