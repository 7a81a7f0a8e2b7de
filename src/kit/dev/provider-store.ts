import type { ClientMetadata, Payload } from 'oidc-provider';

/** What the provider remembers, in memory, for as long as its process lives. */
export class ProviderStore {
  #models = new Map<string, Map<string, StoredRecord>>();
  readonly clients = new Map<string, ClientMetadata>();

  /** Finds the id of a JWT access token; set once the provider's keys are known. */
  readAccessToken: (jwt: string) => Promise<string | undefined> = async () => undefined;

  /** What oidc-provider calls an adapter: one for each kind of record. */
  adapter = (model: string) => ({
    upsert: async (id: string, payload: Payload, seconds?: number) => this.write(model, id, payload, seconds),
    find: async (id: string) => this.#find(model, id),
    findByUid: async (uid: string) => this.records(model).find((payload) => payload.uid === uid),
    findByUserCode: async () => undefined,
    consume: async (id: string) => {
      const stored = this.#model(model).get(id);
      if (stored) stored.payload.consumed = Math.floor(Date.now() / 1000);
    },
    destroy: async (id: string) => {
      this.#model(model).delete(id);
    },
    revokeByGrantId: async (grantId: string) => {
      for (const [id, { payload }] of this.#model(model)) {
        if (payload.grantId === grantId) this.#model(model).delete(id);
      }
    },
  });

  write(model: string, id: string, payload: Payload, seconds = Infinity): void {
    const records = this.#model(model);
    if (records.size > 0 && records.size % 1000 === 0) sweep(records);
    records.set(id, { payload: structuredClone(payload), expiresAt: Date.now() + seconds * 1000 });
  }

  /** The living records of one kind. */
  records(model: string): Payload[] {
    const now = Date.now();
    return [...this.#model(model).values()]
      .filter(({ expiresAt }) => expiresAt > now)
      .map(({ payload }) => structuredClone(payload));
  }

  async #find(model: string, id: string): Promise<Payload | undefined> {
    if (model === 'Client') return this.clients.get(id);
    const key = model === 'AccessToken' && id.includes('.') ? await this.readAccessToken(id) : id;
    const stored = key === undefined ? undefined : this.#model(model).get(key);
    return stored && structuredClone(stored.payload);
  }

  #model(name: string): Map<string, StoredRecord> {
    const records = this.#models.get(name) ?? new Map<string, StoredRecord>();
    this.#models.set(name, records);
    return records;
  }
}

interface StoredRecord {
  payload: Payload;
  expiresAt: number;
}

function sweep(records: Map<string, StoredRecord>): void {
  const now = Date.now();
  for (const [id, { expiresAt }] of records) if (expiresAt <= now) records.delete(id);
}
