-- AUTOINCREMENT gives no id twice: a page left open on a note that is gone never deletes the next one.
CREATE TABLE notes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  iss TEXT NOT NULL,
  sub TEXT NOT NULL,
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 100),
  text TEXT NOT NULL CHECK (length(text) <= 2000),
  kind TEXT NOT NULL CHECK (kind IN ('idea', 'task', 'question')),
  remind_on TEXT CHECK (remind_on IS date(remind_on)), -- 2026-12-31
  pinned INTEGER NOT NULL CHECK (pinned IN (0, 1)),
  created_at INTEGER NOT NULL, -- milliseconds since 1970
  key TEXT CHECK (length(key) <= 100), -- of the form that added it
  UNIQUE (iss, sub, key)
) STRICT;

CREATE INDEX notes_in_order ON notes (iss, sub, pinned DESC, id DESC);
