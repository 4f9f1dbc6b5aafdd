"""Stores of live gateways under an auditor's eye: what one side rewrites, the other's store and its own give away."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, key
from tests.gateway.made_live import laid, ready
from typer.testing import CliRunner

from detente.centre.exchange.audit import audit, vouched_for
from detente.centre.exchange.ledger import Entry, EntryKind, Tip
from detente.cli.app import app
from detente.gateway.ledger_file import EXERCISE, read_ledger
from detente.gateway.logic.node import LineDown, start
from detente.gateway.sqlite_store import SqliteStore
from detente.gateway.sqlite_tables import VERSION

NATO, RUSSIA = SIDES


def talk(folder: Path) -> Pair:
    """Two gateways with stores on disk: they talk, the line breaks, old tracks are superseded, and they talk on."""
    pair = Pair(stores={name: SqliteStore(folder / f"{name}.store", name, epoch=1) for name in SIDES})
    pair.connect()
    for index in range(FIRST_TICK, FIRST_TICK + 16):
        pair.pass_time(5.0)
        pair.tick(index)
        if index == FIRST_TICK + 8:
            pair.frames.clear()
            for name in SIDES:
                pair.do(name, LineDown(partner=pair.link(name).partner))
        elif index == FIRST_TICK + 12:
            pair.frames.clear()
            pair.connect()
        elif pair.link(NATO).up:
            pair.carry()
    pair.pass_time(5.0)
    pair.tick(FIRST_TICK + 16, RUSSIA)  # so that what stands last in NATO's ledger is what it received
    pair.carry()
    return pair


@pytest.fixture(scope="module")
def exchange(tmp_path_factory) -> Path:
    """Both stores and both public keys after an honest exchange."""
    folder = tmp_path_factory.mktemp("exchange")
    pair = talk(folder)
    for name in SIDES:
        pair.stores[name].close()
        public = key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pub").write_bytes(public)
    return folder


@pytest.fixture
def folder(exchange: Path, tmp_path: Path) -> Path:
    """A copy of that, to be tampered with."""
    shutil.copytree(exchange, tmp_path, dirs_exist_ok=True)
    return tmp_path


def verify(folder: Path, *more: str, side: str = NATO, against: bool = True, keys: bool = True) -> tuple[int, dict]:
    """What the command finds: exit code, and the document."""
    words = ["ledger", "verify", str(folder / f"{side}.store"), "--json", *more]
    if against:
        words += ["--against", str(folder / f"{SIDES[1 - SIDES.index(side)]}.store")]
    if keys:
        words += [part for name in SIDES for part in ("--key", f"{name}={folder / name}.pub")]
    result = CliRunner().invoke(app, words)
    return result.exit_code, json.loads(result.stdout) if result.stdout else {"said": result.stderr}


def entries_of(folder: Path, side: str = NATO) -> list[Entry]:
    return list(read_ledger(folder / f"{side}.store").book.entries)


def tampered(folder: Path, *statements: str) -> None:
    """NATO's store changed under its own ledger's feet."""
    with closing(sqlite3.connect(folder / "NATO.store", isolation_level=None)) as base:
        for statement in statements:
            base.execute(statement)


def rewritten(folder: Path, change: Callable[[list[Entry]], list[Entry]]) -> None:
    """NATO's ledger written anew from changed entries, chain and tip and all: whole in itself."""
    tip, lines = Tip(), []
    for entry in change(entries_of(folder)):
        tip, made = tip.append(
            entry.kind, entry.envelope_digest, written_s=entry.written_s, stated_s=entry.stated_s, epoch=entry.epoch,
            sequence=entry.sequence,
        )  # fmt: skip
        lines.append(
            (RUSSIA, made.index, int(made.kind), made.written_s, made.stated_s, made.epoch, made.sequence,
             made.envelope_digest, made.previous)
        )  # fmt: skip
    with closing(sqlite3.connect(folder / "NATO.store", isolation_level=None)) as base:
        base.execute("DELETE FROM ledger")
        base.executemany("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", lines)
        said = json.loads(base.execute("SELECT document FROM kept").fetchone()[0])
        said["tip"] = [tip.size, [peak.hex() for peak in tip.peaks], tip.last.hex()]
        base.execute("UPDATE kept SET document = ?", (json.dumps(said),))


def last(entries: list[Entry], kind: EntryKind) -> int:
    return max(entry.index for entry in entries if entry.kind is kind)


def some(folder: Path, kind: EntryKind, side: str = NATO) -> Entry:
    """One in the middle."""
    found = [entry for entry in entries_of(folder, side) if entry.kind is kind]
    return found[len(found) // 2]


def test_an_honest_exchange_is_sound_from_both_sides(folder: Path) -> None:
    entries = entries_of(folder)
    assert {EntryKind.SENT, EntryKind.RECEIVED, EntryKind.RECEIPT, EntryKind.TOMBSTONE} <= {e.kind for e in entries}
    for side in SIDES:
        code, found = verify(folder, side=side)
        assert (code, found["sound"], found["faults"]) == (0, True, [])
        assert found["proved"] == found["words"] > 20
        assert found["entries"] - found["vouched_for"] < 8
        # Alone it is vouched for by what the partner countersigned.
        code, found = verify(folder, side=side, against=False)
        assert (code, found["sound"]) == (0, True)
        assert 20 < found["vouched_for"] < found["entries"]


def test_no_verdict_without_signatures_that_hold(folder: Path) -> None:
    """A store names no keys: without any, or with wrong ones, nothing signed could be checked."""
    code, found = verify(folder, keys=False)
    assert (code, found["sound"], found["proved"], found["faults"]) == (1, False, 0, [])
    (folder / "NATO.pub").write_bytes((folder / "Russia.pub").read_bytes())
    code, found = verify(folder)
    assert (code, found["sound"]) == (1, False)
    assert 0 < found["proved"] < found["words"]


def test_the_keys_are_of_the_two_sides(folder: Path) -> None:
    for names in (("Mars",), (NATO,), (NATO, RUSSIA, "Mars")):
        keys = [part for name in names for part in ("--key", f"{name}={folder / NATO}.pub")]
        code, found = verify(folder, *keys, keys=False)
        assert code == 2
        assert "keys of NATO and Russia" in found["said"]


def test_a_receipted_tail_that_is_cut_off_is_missed(folder: Path) -> None:
    """NATO mostly receives: after its last envelope only its receipts show how long its ledger was."""
    entries = entries_of(folder)
    cut = last(entries, EntryKind.SENT) + 1
    assert sum(entry.kind is EntryKind.RECEIVED for entry in entries[cut:]) >= 1
    rewritten(folder, lambda entries: entries[:cut])
    code, found = verify(folder)
    assert (code, found["first_bad_entry"]) == (1, cut)
    assert {"truncation"} <= {fault["kind"] for fault in found["faults"]}


def test_what_the_partner_countersigned_is_missed_in_a_store_alone(folder: Path) -> None:
    cut = verify(folder, against=False)[1]["vouched_for"] - 1
    rewritten(folder, lambda entries: entries[:cut])
    code, found = verify(folder, against=False)
    assert (code, found["first_bad_entry"], found["faults"][0]["kind"]) == (1, cut, "truncation")


def test_a_receipted_tail_is_missed_by_the_partners_ledger_alone(folder: Path) -> None:
    """Without a single signed word, the partner's receipts still say what was received."""
    entries = entries_of(folder)
    cut = last(entries, EntryKind.SENT) + 1
    rewritten(folder, lambda entries: entries[:cut])
    for name in SIDES:
        with closing(sqlite3.connect(folder / f"{name}.store", isolation_level=None)) as base:
            base.execute("DELETE FROM inbox")
            base.execute("DELETE FROM testimony")
    code, found = verify(folder)
    assert (code, found["words"]) == (1, 0)
    assert found["first_bad_entry"] <= found["first_bad_entry_at_most"] == cut
    assert {fault["kind"] for fault in found["faults"]} == {"deletion"}


@pytest.mark.parametrize("kind", [EntryKind.SENT, EntryKind.RECEIVED, EntryKind.TOMBSTONE])
def test_an_edit_of_a_rewritten_ledger_is_named_to_the_entry(folder: Path, kind: EntryKind) -> None:
    for entry in (some(folder, kind), next(e for e in entries_of(folder) if e.kind is kind)):
        rewritten(
            folder, lambda entries, at=entry.index: [
                replace(one, envelope_digest=bytes(32)) if one.index == at else one for one in entries
            ],
        )  # fmt: skip
        code, found = verify(folder)
        assert (code, found["first_bad_entry"], found["first_bad_entry_at_most"]) == (1, entry.index, entry.index)
        rewritten(folder, lambda entries, own=entry: [own if one.index == own.index else one for one in entries])
        assert verify(folder)[0] == 0


def test_a_tombstone_told_by_the_partner_that_is_dropped_is_missed(folder: Path) -> None:
    own = {entry.envelope_digest for entry in entries_of(folder) if entry.kind is EntryKind.SENT}
    told = [e for e in entries_of(folder) if e.kind is EntryKind.TOMBSTONE and e.envelope_digest not in own]
    assert told
    rewritten(folder, lambda entries: [one for one in entries if one.index != told[0].index])
    code, found = verify(folder)
    assert code == 1
    assert found["first_bad_entry"] <= told[0].index <= found["first_bad_entry_at_most"]
    assert found["first_bad_entry_at_most"] - found["first_bad_entry"] < 4


def test_where_a_line_is_of_one_side_alone_the_range_is_told(folder: Path) -> None:
    """What a side refused, no other log speaks of: between two signed heads lies all that is known."""
    at = next(entry.index for entry in entries_of(folder) if entry.kind is EntryKind.RECEIPT)
    rewritten(
        folder, lambda entries: [replace(one, written_s=1.0) if one.index == at else one for one in entries]
    )  # fmt: skip
    code, found = verify(folder)
    assert code == 1
    assert found["first_bad_entry"] <= at <= found["first_bad_entry_at_most"] < found["entries"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET kind = 99 WHERE place = 5",
        "UPDATE ledger SET digest = x'00' WHERE place = 5",
        "UPDATE ledger SET sequence = -1 WHERE place = 5",
        "UPDATE ledger SET written_s = 9e999 WHERE place = 5",
    ],
)
def test_a_line_that_is_no_entry_is_an_edit_of_it(folder: Path, statement: str) -> None:
    tampered(folder, statement)
    for against in (True, False):
        code, found = verify(folder, against=against)
        assert (code, found["first_bad_entry"], found["faults"][0]["kind"]) == (1, 5, "edit")
        assert "entry 5 is not one that a ledger can hold" in found["faults"][0]["what"]
    shown = CliRunner().invoke(app, ["ledger", "show", str(folder / "NATO.store")])
    assert shown.exit_code == 0
    assert "entry 5 is not one that a ledger can hold" in shown.stdout.splitlines()[1 + 5]
    told = json.loads(CliRunner().invoke(app, ["ledger", "show", str(folder / "NATO.store"), "--json"]).stdout)
    assert [one["index"] for one in told["spoilt"]] == [5]


def test_a_ledger_that_was_emptied_is_truncated_whether_or_not_its_partner_is_named(folder: Path) -> None:
    tampered(folder, "DELETE FROM ledger")
    for more in ((), ("--partner", RUSSIA)):
        code, found = verify(folder, *more)
        assert (code, found["first_bad_entry"], found["faults"][0]["kind"]) == (1, 0, "truncation")


def test_a_partner_that_there_is_not_is_bad_input(folder: Path) -> None:
    code, found = verify(folder, "--partner", "France")
    assert code == 2
    assert "a ledger kept with France" in found["said"]
    assert CliRunner().invoke(app, ["ledger", "show", str(folder / "NATO.store"), "--partner", "X"]).exit_code == 2


def test_the_ledger_of_another_exercise_is_refused_and_no_side_is_accused(folder: Path) -> None:
    """Two exercises with the same keys: each side's heads differ from one to the other, and nobody lied."""
    for name, origin in ((NATO, "2026-01-01T00:00:00+00:00"), (RUSSIA, "2026-01-02T00:00:00+00:00")):
        with closing(sqlite3.connect(folder / f"{name}.store", isolation_level=None)) as base:
            base.execute("INSERT INTO about VALUES ('clock origin', ?)", (origin,))
    code, found = verify(folder)
    assert code == 2
    assert "a ledger of another exercise: its clock origin is 2026-01-02" in found["said"]
    assert "that of the first is 2026-01-01" in found["said"]


def test_a_store_says_of_its_exercise_what_a_ledger_is_compared_by(tmp_path: Path) -> None:
    assert tuple(ready(laid(tmp_path), NATO).exercise) == EXERCISE


def test_a_side_that_began_a_new_epoch_signed_no_two_pasts(tmp_path: Path) -> None:
    """Its store was lost: the heads that it signed before are of a ledger that is not the one it has now."""
    pair = talk(tmp_path)
    pair.stores[NATO] = SqliteStore(tmp_path / "new.store", NATO, epoch=2)
    pair.nodes[NATO] = start(pair.gateways[NATO], 2)
    pair.connect()
    pair.talk(FIRST_TICK + 17, 16)
    for store in pair.stores.values():
        store.close()
    keys = {name: [key(name).public_key()] for name in SIDES}
    book = read_ledger(tmp_path / "new.store", keys=keys).book
    against = read_ledger(tmp_path / "Russia.store", keys=keys).book
    assert {word.epoch for word in against.words} == {1, 2}
    assert {entry.epoch for entry in book.entries if entry.kind is EntryKind.SENT} == {2}
    # What its partner received in the old epoch is not in the new ledger: that is told, and it is no fault of either's.
    assert audit(book, against) == audit(against, book) == ()
    assert vouched_for(book, against) > 10
    words = ["ledger", "verify", str(tmp_path / "new.store"), "--against", str(tmp_path / "Russia.store")]
    told = CliRunner().invoke(app, words)
    old = sum(entry.kind is EntryKind.RECEIVED and entry.epoch == 1 for entry in against.entries)
    assert old > 0
    assert f"not seen: {old} envelopes of NATO's epoch 1, which its partner received" in told.stdout
    assert told.stdout.splitlines()[-1].startswith("not verified: nothing that is seen is bad")
    assert told.exit_code == 1


def test_an_epoch_that_a_store_alone_names_hides_nothing(folder: Path) -> None:
    """What it sent bears the true one: so its signed heads are held against it all the same."""
    at = some(folder, EntryKind.RECEIPT).index
    rewritten(folder, lambda entries: [replace(e, written_s=1.0) if e.index == at else e for e in entries])
    before = verify(folder)
    tampered(folder, "UPDATE about SET value = '2' WHERE key = 'epoch'")
    assert verify(folder)[1]["faults"] == before[1]["faults"] != []


def test_a_store_of_another_version_is_told(folder: Path) -> None:
    tampered(folder, f"PRAGMA user_version = {VERSION - 1}")
    code, found = verify(folder)
    assert (code, f"a store of version {VERSION - 1}" in found["said"]) == (2, True)


def test_many_faults_are_told_in_few_lines(folder: Path) -> None:
    rewritten(folder, lambda entries: [replace(one, envelope_digest=bytes(32)) for one in entries])
    words = ["ledger", "verify", str(folder / "NATO.store"), "--against", str(folder / "Russia.store")]
    said = CliRunner().invoke(app, words).stdout.splitlines()
    assert len(said) == 14
    assert said[-2].startswith("and ")
    first = next(entry.index for entry in entries_of(folder) if entry.kind is EntryKind.SENT)
    assert said[-1] == f"first bad entry: {first}"


def test_a_store_that_a_gateway_holds_is_left_alone(folder: Path) -> None:
    with closing(SqliteStore(folder / "NATO.store", NATO, epoch=1)):
        code, found = verify(folder)
    assert (code, "a running gateway holds" in found["said"]) == (2, True)
    with closing(sqlite3.connect(folder / "NATO.store", isolation_level=None)) as base:
        base.execute("PRAGMA locking_mode=EXCLUSIVE")
        base.execute("BEGIN EXCLUSIVE")
        code, found = verify(folder)
    assert (code, "a running gateway holds" in found["said"]) == (2, True)
