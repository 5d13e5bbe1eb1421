"""The tables of what is remembered, one step for each version; a database of an earlier version is brought up to date when opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from rag.errors import ActivityError

MIGRATIONS = (
    """
CREATE TABLE secret (value BLOB NOT NULL);
CREATE TABLE asked (
  id TEXT PRIMARY KEY, at TEXT NOT NULL, day TEXT NOT NULL, question TEXT NOT NULL, form TEXT NOT NULL,
  department TEXT, asker TEXT, session TEXT, status TEXT NOT NULL, reason TEXT, confidence REAL NOT NULL, engine TEXT NOT NULL,
  elapsed_ms REAL NOT NULL, kind TEXT, in_charge TEXT, snapshot TEXT, answer TEXT NOT NULL, documents TEXT NOT NULL
);
CREATE INDEX asked_by_day ON asked (day);
CREATE INDEX asked_by_session ON asked (session);
CREATE TABLE judged (
  asked TEXT NOT NULL REFERENCES asked (id) ON DELETE CASCADE, judge TEXT NOT NULL, at TEXT NOT NULL, verdict TEXT NOT NULL,
  comment TEXT NOT NULL, PRIMARY KEY (asked, judge)
);
CREATE TABLE rated (
  asked TEXT NOT NULL REFERENCES asked (id) ON DELETE CASCADE, rater TEXT NOT NULL, at TEXT NOT NULL, rating TEXT NOT NULL,
  comment TEXT NOT NULL, PRIMARY KEY (asked, rater)
);
CREATE TABLE surveyed (
  respondent TEXT PRIMARY KEY, day TEXT NOT NULL, first INTEGER NOT NULL, second INTEGER NOT NULL, third INTEGER NOT NULL
);
CREATE TABLE gap (
  asked TEXT PRIMARY KEY REFERENCES asked (id) ON DELETE CASCADE, gap TEXT NOT NULL, state TEXT NOT NULL, day TEXT NOT NULL
);
""",
)
"""Step n brings a database from version n to n + 1; a published step is never changed, a new one is added."""


def migrate(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring a database to the last version, all steps or none. Raises ActivityError for one that a newer program wrote."""
    connection.execute("BEGIN IMMEDIATE")  # two processes that start at once must not both create the tables
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(migrations):
            raise ActivityError(
                f"利用の記録の形式が新しすぎます（版 {version}、読めるのは {len(migrations)} まで）。",
                "新しい版のしるべで開くか、記録のファイルを別の場所に移してください。",
            )
        for step in migrations[version:]:
            for statement in filter(str.strip, step.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
