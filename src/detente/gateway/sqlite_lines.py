"""Lines of a store, their sums, and what waits, held against all else: what is altered, invented or missing is found.

The bytes of an inbox line have a sum, those of an outbox line the digest that the ledger says was sent. A line that is
gone leaves no trace of its own, and the ledger's entry of a receipt names but the last of what was receipted: so each
commit also keeps how many there are. (A store made before has no such count, and serves as well.)
"""

import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence

from detente.centre.exchange.dsse import envelope_digest
from detente.centre.exchange.ledger import EntryKind
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.records import Accepted, Closed, Ticked

OUTBOX = "outbox lines"  # receipted yet or not, in the table ``about``
WAITING = "inbox lines that wait"  # likewise: those that no tick has used
COUNTS = (OUTBOX, WAITING)

Name = tuple[str, int, int]
"""Which inbox line: partner, epoch and sequence."""


def count(base: sqlite3.Connection, more: Mapping[str, int]) -> None:
    """Keep, with the commit that is being made, that there are so many more of each of these lines."""
    base.executemany(
        "UPDATE about SET value = value + ? WHERE key = ?", [(many, what) for what, many in more.items() if many]
    )


def forget(base: sqlite3.Connection, names: Sequence[Name]) -> int:
    """Delete these inbox lines; how many of them waited, until a tick of the same commit or for ever."""
    gone = "DELETE FROM inbox WHERE partner = ? AND epoch = ? AND sequence = ?"
    waited = base.executemany(f"{gone} AND applied IS NULL", names).rowcount
    base.executemany(gone, names)
    return waited


def _miscounted(base: sqlite3.Connection, what: str, found: int) -> str:
    """What the count says against so many lines; nothing where it is theirs, or where there is none."""
    row = base.execute("SELECT value FROM about WHERE key = ?", (what,)).fetchone()
    return "" if row is None or row[0] == str(found) else f"{found} {what} where there were {row[0]}"


def inbox_fault(base: sqlite3.Connection, held: Mapping[Name, int | None], ticks: Sequence[Ticked]) -> str:
    """What is wrong with the inbox lines ``held``: those that wait, and by which of these ticks the others were used.

    Empty where nothing is.
    """
    used = {name: tick.index for tick in ticks for name in (*tick.applied, *tick.aside)}
    for name, index in used.items():
        if name not in held:
            return f"envelope {name[2]} of {name[0]}, which tick {index} used, is missing"
    for name, index in held.items():
        if index != used.get(name):
            return f"envelope {name[2]} of {name[0]} is not one that tick {index} used"
    return _miscounted(base, WAITING, sum(index is None for index in held.values()))


def outbox_fault(base: sqlite3.Connection, lines: Sequence[Accepted | Closed]) -> str:
    """What is wrong with the outbox lines; empty where nothing is. One look along the ledger, whatever their number."""
    sent = base.execute(  # the cross join has the ledger walked and the outbox looked up, never the other way round
        "SELECT partner, sequence, ledger.digest FROM ledger CROSS JOIN outbox USING (partner, sequence) "
        "WHERE kind = ?", (int(EntryKind.SENT),)
    ).fetchall()  # fmt: skip
    known = set(sent)
    for line in lines:
        digest = line.digest if isinstance(line, Closed) else envelope_digest(line.envelope)
        if (line.partner, line.sequence, digest) not in known:
            return f"outbox envelope {line.sequence} for {line.partner} is not what the ledger says was sent"
    return _miscounted(base, OUTBOX, len(lines))


def outbox_line(
    partner: str, sequence: int, lane: int, tick: int, envelope: bytes, keys: str, closed: str, digest: bytes
) -> Accepted | Closed:
    """A row of the outbox, as it was accepted or closed."""
    if closed:
        return Closed(partner=partner, sequence=sequence, reason=closed, digest=digest)
    pairs = tuple((data, number) for data, number in json.loads(keys))
    return Accepted(partner=partner, sequence=sequence, lane=Lane(lane), tick=tick, envelope=envelope, keys=pairs)


def sum_of(data: bytes | str) -> int:
    """What damage is found by: CRC-32. Against whoever writes into our own store there is the ledger."""
    return zlib.crc32(data.encode() if isinstance(data, str) else data)


def tick_sum(detections: bytes, applied: str, aside: str) -> int:
    """The same of a tick."""
    return zlib.crc32(f"{applied}{aside}".encode(), zlib.crc32(detections))


def names_in(text: str) -> tuple[Name, ...]:
    """The envelopes that a tick's row names."""
    return tuple((partner, epoch, sequence) for partner, epoch, sequence in json.loads(text))
