"""``detente envelope``: signed words from wherever they lie, their JSON form out and in, and what does not hold."""

import json

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from detente.centre.exchange import dsse, ledger
from detente.centre.exchange.ledger import EMPTY_HEAD
from detente.centre.exchange.message import ROW_BYTES, Header, Mark, seal
from detente.centre.exchange.statement import Acknowledgement, Address, Outcome, Receipt, sign_receipt
from detente.gateway.logic import notes
from detente.gateway.logic.records import Accepted, Closed, Received
from detente.gateway.sqlite_store import SqliteStore
from detente.records.stages import Messages

NATO, RUSSIA = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))  # as pem_keys has them
COMMON = {"agreement": "ab" * 32, "origin": "2011-06-01T12:00:00+00:00", "epoch": 3}
LABEL = "EXERCISE UNCLASSIFIED RELEASABLE TO NATO"


def said(rows=3):
    """Tracks of Russia's for NATO."""
    columns = {name: np.zeros((rows, *column.shape)) for name, column in Messages.columns()}
    return Messages(**columns | {"giver": np.ones(rows), "data": np.full(rows, 3), "number": np.arange(rows)})


def envelope(sequence=17, signer=RUSSIA, **other):
    header = Header(mark=Mark.EXERCISE, sequence=sequence, sealed_s=30.25, label=LABEL,
                    **{"giver": "Russia", "receiver": "NATO"} | COMMON | other)  # fmt: skip
    return seal(said(), header, signer)


ADDRESS = Address(
    mark=Mark.EXERCISE, giver="NATO", receiver="Russia", ordinal=5, sealed_s=1.5, head=EMPTY_HEAD, **COMMON
)  # fmt: skip
LINE = Acknowledgement(epoch=3, sequence=17, digest=b"e" * 32, outcome=Outcome.RECEIVED)
RECEIPT = sign_receipt(Receipt(address=ADDRESS, acknowledged=(LINE,)), NATO)
NOTE = notes.write(
    notes.Note(address=ADDRESS, word=notes.Word.HELLO, heard=False, paused=False, withdrawn=False, base=0, of=3,
               below=0), NATO,
)  # fmt: skip


@pytest.fixture
def keys(pem_keys):
    return [word for side, (_, public) in pem_keys.items() for word in ("--key", f"{side}={public}")]


@pytest.fixture
def store(tmp_path):
    """NATO's store: two envelopes of Russia's, one of its own that waits, and one that was closed."""
    path = tmp_path / "NATO.store"
    made_store = SqliteStore(path, "NATO", epoch=3)
    own = envelope(4, NATO, giver="NATO", receiver="Russia")
    received = [
        Received(partner="Russia", epoch=3, sequence=n, lane=1, envelope=envelope(n), late=False) for n in (17, 18)
    ]
    accepted = [
        Accepted(partner="Russia", sequence=n, lane=1, tick=2, envelope=own, keys=((3, 1),)) for n in (4, 5)
    ]  # fmt: skip
    made_store.commit([*received, *accepted, Closed(partner="Russia", sequence=5, reason="expired", digest=b"d" * 32)])
    made_store.close()
    return path


def shown(command, *words):
    done = command("envelope", "show", *words, "--json")
    return done.exit_code, json.loads(done.stdout)


def test_a_stores_words_are_listed_and_read(command, store, keys):
    code, found = shown(command, store, *keys)
    assert (code, [one["place"] for one in found]) == (0, ["inbox, from Russia"] * 2 + ["outbox, for Russia"])
    assert [one["signed_by"] for one in found] == ["Russia", "Russia", "NATO"]
    assert [one["says"]["sequence"] for one in found] == [17, 18, 4]
    assert found[0]["says"]["messages"] == {"track": 3}
    assert found[0]["digest"] == dsse.envelope_digest(envelope()).hex()
    code, (one,) = shown(command, store, "--number", "2", *keys)
    assert (one["number"], one["says"]["columns"]["number"]) == (2, [0, 1, 2])
    text = command("envelope", "show", store, *keys).stdout
    assert "signed by Russia for NATO, exercise, epoch 3, sequence 17" in text
    assert f"messages: 3 track; label: {LABEL}" in text


def test_without_keys_nothing_is_read(command, store):
    code, found = shown(command, store)
    assert (code, {one["signature"] for one in found}, [one["says"] for one in found]) == (0, {"unchecked"}, [None] * 3)
    assert "signatures unchecked, and nothing read" in command("envelope", "show", store).stdout


def test_json_goes_out_to_another_implementation_and_comes_back(command, store, keys, tmp_path):
    out, back = tmp_path / "word.json", tmp_path / "word.frame"
    assert command("envelope", "json", store, "--number", "1", "--out", out, *keys).exit_code == 0
    document = json.loads(out.read_text())
    theirs = Envelope.from_dict(json.loads(out.read_text()))
    public = SSlibKey.from_crypto(RUSSIA.public_key(), keyid=document["signatures"][0]["keyid"])
    assert list(theirs.verify([public], 1)) == [public.keyid]
    assert command("envelope", "frame", out, "--out", back, *keys).exit_code == 0
    assert back.read_bytes() == envelope(17)
    assert shown(command, back, *keys)[1][0]["says"] == shown(command, out, *keys)[1][0]["says"]
    # What another tool writes anew holds the signed part alone: still a word that holds, and it says what is missing.
    out.write_text(json.dumps(theirs.to_dict()))
    code, (one,) = shown(command, out, *keys)
    assert (code, one["signature"], one["says"]["messages"]) == (0, "holds", None)
    assert one["bytes"] == len(envelope()) - 3 * ROW_BYTES
    assert "messages: came without" in command("envelope", "show", out, *keys).stdout


@pytest.mark.parametrize(("word", "kind"), [(RECEIPT, "receipt"), (NOTE, "note")])
def test_receipts_and_notes_are_words_too(command, tmp_path, keys, word, kind):
    path = tmp_path / "word"
    path.write_bytes(word)
    _, (one,) = shown(command, path, *keys)
    assert (one["kind"], one["signed_by"]) == (f"application/vnd.detente.{kind}", "NATO")
    assert one["says"]["ordinal"] == 5
    text = command("envelope", "json", path).stdout
    path.write_text(text)
    back = tmp_path / "back"
    assert command("envelope", "frame", path, "--out", back, *keys).exit_code == 0
    assert back.read_bytes() == word


def test_a_runs_ledgers_name_their_keys(command, tmp_path, keys):
    def write(**named):
        document = ledger.document("NATO", "Russia", (), EMPTY_HEAD, [RECEIPT], named)
        (tmp_path / "ledger-NATO-with-Russia.json").write_text(json.dumps(document))

    write(NATO=[NATO.public_key().public_bytes_raw()])
    code, (one,) = shown(command, tmp_path)
    assert (code, one["signature"], one["keys_known_beforehand"]) == (0, "holds", False)
    assert one["place"] == "ledger-NATO-with-Russia.json, word 1"
    assert "keys that the file names itself" in command("envelope", "show", tmp_path).stdout
    write(NATO=[RUSSIA.public_key().public_bytes_raw()])
    assert shown(command, tmp_path)[0] == 1
    assert shown(command, tmp_path, *keys)[0] == 0


@pytest.mark.parametrize("word", [b"", RECEIPT[:8], RECEIPT[:50], b"DTNENV99" + bytes(200)])
def test_what_is_no_word_is_told(command, tmp_path, word):
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(ledger.document("NATO", "Russia", (), EMPTY_HEAD, [word])))
    code, (one,) = shown(command, path)
    assert (code, one["signature"], one["says"]) == (1, "does not hold", None)
    done = command("envelope", "json", path, "--out", tmp_path / "out")
    assert (done.exit_code, (tmp_path / "out").exists()) == (1, False)
    assert "it does not hold" in done.stderr


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (envelope()[:-1], "3 messages take"), (envelope()[:200] + b"~" + envelope()[201:], "forged or altered"),
        (envelope()[:-1] + b"~", "not those that were signed"),
        (envelope(signer=NATO), "signed by NATO, and speaks for Russia"),
        (envelope(signer=Ed25519PrivateKey.from_private_bytes(bytes(32))), "nobody's of NATO, Russia"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_told_and_goes_nowhere(command, tmp_path, keys, spoilt, why):
    path, out = tmp_path / "word", tmp_path / "out"
    path.write_bytes(spoilt)
    code, (one,) = shown(command, path, *keys)
    assert (code, one["signature"], one["says"]) == (1, "does not hold", None)
    assert why in one["why"]
    for verb in ("json", "frame"):
        done = command("envelope", verb, path, "--out", out, *keys)
        assert done.exit_code == 1
        assert why in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"DTNENV01", b"\xff" * 300, b"SQLite format 3\x00" + bytes(100), b'{"schema": 2, "words": []}',
     b'{"schema": 1, "keys": {}, "words": []}', b'{"payloadType": "x"}', b"{" * 5000],
)  # fmt: skip
def test_a_file_without_words_is_refused(command, tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    done = command("envelope", "show", path)
    assert done.exit_code == 2
    assert "no signed word" in done.stderr


def test_one_word_must_be_meant_and_a_key_given(command, store, tmp_path, keys):
    for words, complaint in (
        (("json", store), "3 signed words"), (("json", store, "--number", 4), "--number 4"),
        (("frame", store, "--number", 1, "--out", tmp_path / "x"), "no --key"),
        (("show", tmp_path / "none"), "cannot be read"),
    ):  # fmt: skip
        done = command("envelope", *words)
        assert done.exit_code == 2, words
        assert complaint in done.stderr


def test_a_store_that_is_held_is_refused(command, store, keys):
    held = SqliteStore(store, "NATO", epoch=3)
    done = command("envelope", "show", store)
    held.close()
    assert done.exit_code == 2
    assert "a running gateway holds" in done.stderr
