"""How fast the exchange is: python bench/exchange.py [--json] [--quick]

Everything printed is measured in this run, on one core, in CPU time, the best of several; targets stand beside it. The
first pass of each, which may compile a kernel, is not counted. Ratios compare with work done in the same run.
"""

import argparse
import json
import os
import runpy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from lines import Line, document, told

from detente.centre.exchange.dsse import keyring, pre_authentication_encoding
from detente.centre.exchange.ledger import EntryKind, Ledger, Tip, verify
from detente.centre.exchange.message import Expected, Header, Mark, open_envelope, seal
from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import Rules, compile_agreement, label_of
from detente.records.stages import Messages

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "tests" / "made_exchange.py")))
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = keyring(SIGNER.public_key())


def best(work: Callable[[], Any], quick: bool, repeat: int = 1) -> float:
    """CPU seconds of the fastest of several passes, by pass of ``repeat``."""
    work()
    found = []
    for _ in range(5 if quick else 15):
        start = time.process_time_ns()
        for _ in range(repeat):
            work()
        found.append((time.process_time_ns() - start) / 1e9 / repeat)
    return min(found)


def rules_of(**terms: Any) -> Rules:
    """Six clauses: each class to each of two receivers."""
    clauses = [
        made.clause(f"{data} to {to}", data, "A", to, **terms)
        for data in ("launch-warning", "impact-prediction", "track")
        for to in ("B", "C")
    ]
    return compile_agreement(made.agreement(*clauses), made.SIDES, made.OWNERS, made.EPOCH)


def releases(quick: bool) -> Iterator[Line]:
    """Decisions a second: every confirmed track by every clause."""
    rows, slots = (20, 200) if quick else (100, 200)
    numbers = np.tile(np.arange(1, slots + 1), (rows, 1))
    moments = [made.moment(np.random.default_rng(i), 5.0 * i, numbers) for i in range(2)]
    decisions = rows * slots * 6 / 1e6
    for name, terms in (("exact", {}), ("coarse", {"coarsen": {"sigma_position_m": 500.0}})):
        rules = rules_of(**terms)
        start = initial(rules, np.arange(rows), slots)

        def told(moment: int, state: Any, rules: Rules = rules) -> Any:
            tracks, estimates = moments[moment]
            return release(state, tracks, estimates, rules, 0, made.SENSORS_OF[0], made.SECRET, tracks.time_s)

        after = told(0, start)[2]
        for what, moment, state in (("all leave", 0, start), ("none is due", 1, after)):
            seconds = best(lambda told=told, moment=moment, state=state: told(moment, state), quick)
            yield Line("release", f"{name} clauses, {what}", decisions / seconds, "M decisions/s", at_least=1.0)


def envelopes(quick: bool) -> Iterator[Line]:
    """Sealing and opening, a record, against the bare signature and against JSON."""
    rules = rules_of()
    tracks, estimates = made.moment(np.random.default_rng(0), 20.0, [np.arange(1, 201)])
    said, _, _ = release(initial(rules, np.array([0]), 200), tracks, estimates, rules, 0, 3, made.SECRET, 20.0)
    said = said.take(said.receiver == 1)
    for name, messages in (
        ("100 tracks", said.take(said.data == 3).rows(0, 100)),
        ("100 of three classes", said.rows(0, 100)),
        ("1 track", said.take(said.data == 3).rows(0, 1)),
    ):
        yield from _envelope_lines(name, messages, rules, quick)


def _envelope_lines(name: str, messages: Messages, rules: Rules, quick: bool) -> Iterator[Line]:
    count = len(messages)
    header = Header(
        mark=Mark.EXERCISE, giver="A", receiver="B", agreement="ab" * 32, origin="2011-06-01T12:00:00+00:00", epoch=1,
        sequence=1, sealed_s=30.0, label=label_of(rules, "B", messages.clause),
    )  # fmt: skip
    expected = Expected(
        mark=Mark.EXERCISE, giver="A", receiver="B", agreement="ab" * 32, origin=header.origin, giver_index=0,
        receiver_index=1, rules=rules, sensors_of_giver=made.SENSORS_OF[0],
    )  # fmt: skip
    envelope = seal(messages, header, SIGNER)
    sealing = best(lambda: seal(messages, header, SIGNER), quick, 20) * 1e6 / count
    opening = best(lambda: open_envelope(envelope, KEYS, expected), quick, 20) * 1e6 / count
    target = 3.0 if count == 100 else None
    yield Line(f"envelope of {name}", "seal", sealing, "µs a record")
    yield Line(f"envelope of {name}", "open", opening, "µs a record")
    yield Line(f"envelope of {name}", "seal and open", sealing + opening, "µs a record", at_most=target)
    yield Line(f"envelope of {name}", "size", len(envelope) / count, "bytes a record")
    public = SIGNER.public_key()
    signature = SIGNER.sign(envelope[:900])
    bare = best(lambda: SIGNER.sign(envelope[:900]), quick, 20) + best(
        lambda: public.verify(signature, envelope[:900]), quick, 20
    )
    yield Line(f"envelope of {name}", "bare Ed25519, sign and verify", bare * 1e6 / count, "µs a record")
    document = {
        "messages": [
            {column: np.asarray(getattr(messages, column)[i]).tolist() for column, _ in messages.columns()}
            for i in range(count)
        ]
    }  # fmt: skip

    def as_json() -> None:
        payload = pre_authentication_encoding("x", rfc8785.dumps(document))
        public.verify(SIGNER.sign(payload), payload)
        json.loads(payload[payload.index(b"{") :])

    plain = best(as_json, True) * 1e6 / count
    yield Line(f"envelope of {name}", "the same as signed canonical JSON, nothing checked", plain, "µs a record")
    yield Line(f"envelope of {name}", "times faster than that", plain / (sealing + opening), "×")


def ledgers(quick: bool) -> Iterator[Line]:
    """Appending to a ledger and verifying it."""
    count = 300 if quick else 3000
    said = {"written_s": 1.0, "stated_s": 1.0, "epoch": 1, "sequence": 5}

    def grown() -> list[Any]:
        tip, entries = Tip(), []
        for _ in range(count):
            tip, entry = tip.append(EntryKind.SENT, b"x" * 32, **said)
            entries.append(entry)
        return [entries, tip]

    entries, tip = grown()
    ledger = Ledger(entries=tuple(entries), tip=tip)
    yield Line("ledger", "append", best(grown, quick) * 1e6 / count, "µs an entry")
    yield Line("ledger", "verify", best(lambda: verify(entries, tip.head), quick) * 1e6 / count, "µs an entry")
    proof = best(lambda: ledger.inclusion_proof(count // 3), quick) * 1e3
    yield Line("ledger", f"inclusion proof among {count}, from all leaves", proof, "ms")
    assert replace(tip).head == ledger.head


def main() -> None:
    """Run the parts and print their lines as they are measured."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else")
    parser.add_argument("--quick", action="store_true", help="smaller cases, in a few seconds")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    measured = (line for part in (releases, envelopes, ledgers) for line in part(asked.quick))
    lines = told(measured, quiet=asked.json)
    if asked.json:
        print(json.dumps(document("exchange", lines, asked.quick), indent=1, ensure_ascii=False, allow_nan=False))


if __name__ == "__main__":
    main()
