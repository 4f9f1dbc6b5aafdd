"""Coverage-guided fuzzing of every door through which somebody else's bytes come in.

    python tests/fuzz/exchange.py [--target NAME …] [--executions N] [--workers N] [--corpus DIR] [--keep]

Each target is called with N inputs; it must either accept them or raise the error that their owner is told by. Anything
else is a crash: the run ends with its input in ``crash-…`` and a status that is not 0. A run begins from the inputs in
``corpus.zip`` beside this file; those that reach new code join the corpus folder, and with ``--keep`` the zip.
"""

import argparse
import hashlib
import json
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import atheris
import numpy as np

# What is imported before is not instrumented: kernels must not be.
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange import _kernels_soundness  # noqa: F401
from detente.centre.exchange.explanation import Facts
from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import compile_agreement
from detente.centre.step import Centre  # noqa: F401
from detente.records.errors import InputError, PeerError
from detente.records.slots import DetectionKind, SensorStatus
from detente.records.stages import Messages
from detente.scenario.agreement import Agreement

with atheris.instrument_imports(
    include=[
        "detente.centre.exchange.canonical", "detente.centre.exchange.dsse", "detente.centre.exchange.message",
        "detente.centre.exchange.soundness", "detente.centre.exchange.statement", "detente.centre.exchange.ledger",
        "detente.gateway.ccsds.kvn", "detente.gateway.ccsds.ephemeris", "detente.gateway.ccsds.tracking",
        "detente.gateway.logic.inbound", "detente.gateway.logic.notes", "detente.gateway.logic.link",
        "detente.scenario.located", "detente.bridges.sapient", "detente.bridges.sapient_frames",
    ]
):  # fmt: skip
    from detente.bridges import sapient
    from detente.centre.exchange import dsse, ledger, message, statement
    from detente.gateway.ccsds import ephemeris, tracking
    from detente.gateway.logic import inbound, link, notes, outbound
    from detente.scenario import located

from detente.gateway.logic.limits import Lane, Limits
from detente.scenario.files import checked

HERE = Path(__file__).parent
KEPT = HERE / "corpus.zip"
made = SimpleNamespace(**runpy.run_path(str(HERE.parent / "made_exchange.py")))
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = dsse.keyring(SIGNER.public_key())
EPOCH = datetime(2011, 6, 1, 12, tzinfo=UTC)
RULES = compile_agreement(
    made.agreement(
        made.clause("w", "launch-warning"), made.clause("i", "impact-prediction"), made.clause("t", "track"),
        made.clause("s", "sensor-status"),
    ),
    made.SIDES, made.OWNERS, made.EPOCH,
)  # fmt: skip
HEADER = message.Header(
    mark=message.Mark.EXERCISE, giver="A", receiver="B", agreement="ab" * 32, origin="2011-06-01T12:00:00+00:00",
    epoch=1, sequence=2, sealed_s=30.0, label="EXERCISE UNCLASSIFIED RELEASABLE TO B",
)  # fmt: skip
EXPECTED = message.Expected(
    mark=message.Mark.EXERCISE, giver="A", receiver="B", agreement="ab" * 32, origin=HEADER.origin, giver_index=0,
    receiver_index=1, rules=RULES, sensors_of_giver=3,
)  # fmt: skip
ADDRESS = statement.Address(
    mark=message.Mark.EXERCISE, giver="A", receiver="B", agreement="ab" * 32, origin=HEADER.origin, epoch=1, ordinal=2,
    sealed_s=1.0, head=ledger.EMPTY_HEAD,
)  # fmt: skip

ADDRESSED = statement.Addressed(mark=ADDRESS.mark, giver="A", receiver="B")


def said() -> Messages:
    """A message of each class."""
    tracks, estimates = made.moment(np.random.default_rng(0), 20.0, [[1]])
    own = np.array([[1, 3, 0, 0, 0, 0]], np.uint8)  # one sensor up, one down
    sector = (own == 1)[..., None] * np.append(np.radians([30.0, 60.0, 5.0, 60.0]), 2e6)
    declared = SensorStatus(state=own, stated_s=np.zeros((1, 6)), sector=sector)
    found = release(
        initial(RULES, np.array([0]), 1), tracks, estimates, RULES, 0, 3, made.SECRET, 20.0, status=declared
    )[0]
    assert set(found.data.tolist()) == {1, 2, 3, 4}
    return found


def forged(data: bytes) -> None:
    """Bytes from the line, no key known."""
    message.open_envelope(data, KEYS, EXPECTED)


def signed(data: bytes) -> None:
    """A partner that signs whatever it likes: two bytes of length, a payload, columns whose digest is made to fit."""
    size = int.from_bytes(data[:2], "little")
    payload, columns = data[2 : 2 + size], data[2 + size :]
    start = payload.find(b'"columns":"')
    if start >= 0:
        digest = hashlib.sha256(columns).hexdigest().encode()
        payload = payload[: start + 11] + digest + payload[start + 75 :]
    _, messages = message.open_envelope(
        dsse.signed(message.KIND, payload[: message.KIND.payload_bytes_max], SIGNER, columns), KEYS, EXPECTED
    )
    for name, spec in Messages.columns():
        assert spec.dtype != "f8" or np.all(np.isfinite(getattr(messages, name))), name


def word(data: bytes) -> None:
    """A signed note or receipt of any content; the first byte says which."""
    kind, opened = ((notes.NOTE, notes.read), (statement.RECEIPT, statement.open_receipt))[data[:1] > b"\x7f"]
    opened(dsse.signed(kind, data[1 : kind.payload_bytes_max], SIGNER), KEYS, ADDRESSED)


LIMITS = Limits(window=64, ahead=16)
GATEWAY: Any = SimpleNamespace(
    name="B", names=made.SIDES, mark=message.Mark.EXERCISE, origin=HEADER.origin, digest=HEADER.agreement, rules=RULES,
    sensors_of=tuple(made.SENSORS_OF.values()), keys={"A": KEYS}, signer=SIGNER, limits=LIMITS, tick_s=5.0,
    centre=SimpleNamespace(side=1),
)  # fmt: skip
"""What a gateway's inbound half knows of itself."""

LETTERS = (notes.NOTE, statement.RECEIPT, message.KIND)


def said_note(**values: Any) -> bytes:
    """The payload of a partner's note."""
    sayings = {"word": notes.Word.PULSE, "heard": True, "paused": False, "withdrawn": False}
    note = notes.Note(address=ADDRESS, **sayings | {"base": 0, "of": 1, "below": 0} | values)
    return dsse.opened(notes.NOTE, notes.write(note, SIGNER), KEYS)[0]


@cache
def greeted() -> link.Link:
    """A link on which the partner said hello, and whose outbox waits for its receipts."""
    its, out = link.start_link("A", HEADER.agreement, 1), link.Out()
    its.up = True
    hello = dsse.signed(notes.NOTE, said_note(word=notes.Word.HELLO), SIGNER)
    now = link.Now(steady_s=1.0, exercise_s=1.0, wall_s=1.0)
    inbound.frame(GATEWAY, its, out, int(Lane.NOTE), hello, now)
    for sequence in range(3):
        outbound.accept(GATEWAY, its, out, Lane.TRACK, 0, b"envelope %d" % sequence, ((3, sequence),), now)
    assert its.session.open, its
    return its


def line(data: bytes) -> None:
    """Frames of a well-signed partner, whatever they say: before each a byte that tells its kind, and two of length."""
    its, out, now = greeted().copied(), link.Out(), link.Now(steady_s=2.0, exercise_s=2.0, wall_s=2.0)
    while len(data) > 3:
        kind, size = LETTERS[data[0] % 3], int.from_bytes(data[1:3], "little")
        payload, data = data[3 : 3 + size], data[3 + size :]
        if kind is message.KIND:
            cut = payload.find(b"}") + 1  # a header that ends, and columns whose digest does not matter here
            letter = dsse.signed(kind, payload[:cut][: kind.payload_bytes_max], SIGNER, payload[cut:])
        else:
            letter = dsse.signed(kind, payload[: kind.payload_bytes_max], SIGNER)
        inbound.frame(GATEWAY, its, out, int(Lane.TRACK if kind is message.KIND else Lane.NOTE), letter, now)
    link.restored_link(its.kept(), HEADER.agreement, 1)
    assert len(its.beyond) <= LIMITS.window + LIMITS.ahead, "what waits for its turn is bounded"
    assert len(its.pending) <= 3, "nobody else fills the outbox"
    assert not its.closings, "and nobody else gives anything up"


def json_form(data: bytes) -> None:
    """DSSE's JSON form."""
    dsse.from_json((message.KIND, statement.RECEIPT), data.decode("latin-1"))


def entry(data: bytes) -> None:
    """A ledger entry from a store."""
    try:
        found = ledger.unpacked(data)
    except ValueError:
        return
    assert found.packed == data


def agreement(data: bytes) -> None:
    """An agreement's file."""
    text = data.decode("utf-8", "replace")
    compile_agreement(checked(located.parse(text, "fuzz"), Agreement), ("A", "B"), ("USA",), EPOCH)


def facts(data: bytes) -> None:
    """A message's facts."""
    checked(located.parse(data.decode("utf-8", "replace"), "fuzz"), Facts)


def ccsds(data: bytes) -> None:
    """A CCSDS message of each kind."""
    text = data.decode("utf-8", "replace")
    for read in (
        lambda: ephemeris.read_oem(text, EPOCH), lambda: ephemeris.read_ocm(text, EPOCH),
        lambda: tracking.read_tdm(text, EPOCH, two_way="distance"),
    ):  # fmt: skip
        try:
            read()
        except InputError:
            continue


NODES = (
    sapient.Node(name="eye", side=0, kind=DetectionKind.INFRARED),
    sapient.Node(name="dish", side=0, kind=DetectionKind.RADAR, position_deg_m=(50.0, 10.0, 100.0)),
)


def sapient_stream(data: bytes) -> None:
    """SAPIENT messages from somebody's sensors."""
    found = sapient.read(data, NODES, made.SIDES, EPOCH).messages
    assert np.all(np.isfinite(found.state)), "what is read is numbers"
    assert np.isin(found.phase, (1, 2, 3)).all()


def seeds() -> dict[str, list[bytes]]:
    """Whole inputs of each target, to begin from."""
    envelope = message.seal(said().take(said().receiver == 1), HEADER, SIGNER)
    payload, columns = dsse.opened(message.KIND, envelope, KEYS)
    line = statement.Acknowledgement(epoch=1, sequence=2, digest=b"d" * 32, outcome=statement.Outcome.RECEIVED)
    receipt = statement.sign_receipt(statement.Receipt(address=ADDRESS, acknowledged=(line,)), SIGNER)
    _, one = ledger.Tip().append(ledger.EntryKind.SENT, b"e" * 32, written_s=1.0, stated_s=1.0, epoch=1, sequence=2)
    text = made.agreement(made.clause(), parties=("A", "B")).model_dump(mode="json")
    flight = ephemeris.Ephemeris(
        name="A-1", time_s=np.array([0.0, 1.0]), state=np.ones((2, 6)), covariance=np.ones((2, 21))
    )
    receipted = receipt[dsse.FRAME.size :]
    gone = notes.Gone(sequence=4, digest=b"g" * 32, reason="expired")
    told = [
        (0, said_note(closed=(gone,), beyond=(2,), below=1, echo=(1.0, 1.5))), (0, said_note(paused=True)),
        (1, receipted), (0, said_note(word=notes.Word.HELLO, base=7)), (2, payload + columns),
    ]  # fmt: skip
    frames = [bytes([kind]) + len(part).to_bytes(2, "little") + part for kind, part in told]
    return {
        "forged": [envelope],
        "line": [*frames, b"".join(frames)],
        "signed": [len(payload).to_bytes(2, "little") + payload + columns],
        "word": [b"\x00" + said_note(word=notes.Word.HELLO), b"\xff" + receipt[dsse.FRAME.size :]],
        "json_form": [dsse.to_json(message.KIND, envelope).encode()],
        "entry": [one.packed],
        "agreement": [json.dumps(text).encode()],
        "facts": [b"data: track\ngiver: A\nreceiver: B\nat: 2011-06-01T12:00:00Z\nowners: [USA]\n"],
        "ccsds": [
            ephemeris.write_oem([flight], "A", EPOCH, EPOCH).encode(),
            ephemeris.write_ocm(flight, "A", EPOCH, EPOCH).encode(),
            b"CCSDS_TDM_VERS = 2.0\nMETA_START\nTIME_SYSTEM = UTC\nPARTICIPANT_1 = S\nPATH = 2,1\nANGLE_TYPE = RADEC\n"
            b"REFERENCE_FRAME = ITRF2000\nMETA_STOP\nDATA_START\n"
            b"ANGLE_1 = 2011-06-01T12:00:00 1\nANGLE_2 = 2011-06-01T12:00:00 2\nDATA_STOP\n",
        ],
        "sapient": [sapient.written(said(), NODES, made.SIDES, EPOCH, marking="exercise", every_s=60.0)],
    }


TARGETS: dict[str, Callable[[bytes], None]] = {
    "forged": forged, "signed": signed, "word": word, "line": line, "json_form": json_form, "entry": entry,
    "agreement": agreement, "facts": facts, "ccsds": ccsds, "sapient": sapient_stream,
}  # fmt: skip


def anything(data: bytes) -> None:
    """All doors in turn: the first byte says which."""
    TARGETS[DOORS[data[0] % len(DOORS)] if data else DOORS[0]](data[1:])


DOORS = tuple(TARGETS)
TARGETS["any"] = anything


def fuzz(name: str, executions: int, corpus: Path) -> None:
    """Fuzz one target in this process; ends the process."""

    def one(data: bytes) -> None:
        try:
            TARGETS[name](data)
        except (PeerError, InputError):
            return

    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    if KEPT.exists():
        with zipfile.ZipFile(KEPT) as kept:
            kept.extractall(corpus, [member for member in kept.namelist() if member.startswith(f"{name}/")])
    whole = seeds()
    whole["any"] = [bytes([DOORS.index(door)]) + seed for door in DOORS for seed in whole[door]]
    for index, seed in enumerate(whole[name]):
        (folder / f"seed-{index}").write_bytes(seed)
    options = [
        sys.argv[0], f"-runs={executions}", "-seed=1", "-max_len=8192", "-rss_limit_mb=3000", "-timeout=60",
        "-print_final_stats=0", "-verbosity=0", str(folder),
    ]  # fmt: skip
    atheris.Setup(options, one)
    atheris.Fuzz()


def main() -> None:
    """Fuzz the targets asked for, each in a process of its own."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", nargs="+", choices=list(TARGETS), default=list(DOORS), metavar="NAME")
    parser.add_argument("--executions", type=int, default=10_000, help="of each target")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="so many targets at once")
    parser.add_argument("--corpus", type=Path, default=Path("out/fuzz"))
    parser.add_argument("--keep", action="store_true", help="put the corpus into the zip")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.in_this_process:
        fuzz(asked.target[0], asked.executions, asked.corpus)
        return

    def run(name: str) -> int:
        words = ["--in-this-process", "--target", name, "--executions", str(asked.executions)]
        done = subprocess.run([sys.executable, __file__, *words, "--corpus", str(asked.corpus)], check=False)
        inputs = len(list((asked.corpus / name).iterdir())) if done.returncode == 0 else 0
        print(f"{name}: {asked.executions} executions, {inputs} inputs" if inputs else f"{name}: a crash", flush=True)
        return done.returncode

    with ThreadPoolExecutor(asked.workers) as pool:
        crashed = [name for name, status in zip(asked.target, pool.map(run, asked.target), strict=True) if status]
    if crashed:
        sys.exit(f"{', '.join(crashed)}: a crash; its input is in crash-…")
    if asked.keep:
        keep(asked.corpus)


def keep(corpus: Path) -> None:
    """Pack a corpus folder, always to the same bytes."""
    with zipfile.ZipFile(KEPT, "w", zipfile.ZIP_DEFLATED) as kept:
        for path in sorted(corpus.glob("*/*")):
            kept.writestr(zipfile.ZipInfo(path.relative_to(corpus).as_posix()), path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
