"""The tables of a gateway's store, the version they are of, and how an empty store is made."""

import sqlite3
from collections.abc import Mapping

from detente.gateway.sqlite_lines import COUNTS

VERSION = 4
"""2: the memory of turns, offsets, trust, what partners declared, and what must be forgotten; 3: which tracks and
launches have spoken against a partner; 4: of which exercise it is, sums by which damage is found, and what partners
testified of both ledgers."""

APPLICATION_ID = 0x44544E31  # "DTN1": what ``file`` and SQLite see of ours
# Every page that a commit changes is written and summed: so no index where a table's own order will do, and none of
# what waits to be applied. (Stores made before have both, and serve as well.)
TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE outbox (partner TEXT, sequence INTEGER, lane INTEGER NOT NULL, tick INTEGER NOT NULL,
  envelope BLOB NOT NULL, keys TEXT NOT NULL, closed TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (partner, sequence)) STRICT;
CREATE TABLE inbox (partner TEXT, epoch INTEGER, sequence INTEGER, lane INTEGER NOT NULL, envelope BLOB NOT NULL,
  late INTEGER NOT NULL, sum INTEGER NOT NULL, applied INTEGER, PRIMARY KEY (partner, epoch, sequence)) STRICT;
CREATE INDEX inbox_applied ON inbox (applied) WHERE applied IS NOT NULL;
CREATE TABLE ticks (tick INTEGER PRIMARY KEY, detections BLOB NOT NULL, applied TEXT NOT NULL, aside TEXT NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE TABLE snapshot (one INTEGER PRIMARY KEY CHECK (one = 1), tick INTEGER NOT NULL, memory BLOB NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE TABLE ledger (partner TEXT, place INTEGER, kind INTEGER NOT NULL, written_s REAL NOT NULL,
  stated_s REAL NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, digest BLOB NOT NULL,
  previous BLOB NOT NULL, PRIMARY KEY (partner, place)) STRICT, WITHOUT ROWID;
CREATE TABLE kept (partner TEXT PRIMARY KEY, document TEXT NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE testimony (partner TEXT, kind TEXT, word BLOB NOT NULL, PRIMARY KEY (partner, kind))
  STRICT, WITHOUT ROWID;
"""


def make_tables(base: sqlite3.Connection, side: str, epoch: int, exercise: Mapping[str, str]) -> None:
    """Make a new file the empty store of a side, of an epoch and of the exercise that is described: all or nothing."""
    base.execute(f"PRAGMA application_id={APPLICATION_ID}")
    base.execute(f"PRAGMA user_version={VERSION}")
    counts = [(what, "0") for what in COUNTS]
    about = (("side", side), ("epoch", str(epoch)), *counts, *exercise.items())
    rows = "".join(f"INSERT INTO about VALUES ('{key}', {_quoted(value)});" for key, value in about)
    base.executescript(f"BEGIN;{TABLES}{rows}COMMIT;")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
