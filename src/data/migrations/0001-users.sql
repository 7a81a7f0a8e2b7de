-- Whoever has signed in. Known by issuer and subject: an email address may belong to somebody else next year.
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  iss TEXT NOT NULL,
  sub TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT,
  role TEXT CHECK (role IN ('editor')),
  blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
  UNIQUE (iss, sub)
) STRICT;
