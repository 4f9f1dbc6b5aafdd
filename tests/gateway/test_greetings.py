"""Hellos, from the first on a line to one too many: what each makes due, and what two sides out of step cost."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, key, other

from detente.centre.exchange.dsse import keyring, kind_of
from detente.centre.exchange.message import KIND
from detente.gateway.logic import outbound
from detente.gateway.logic.link import Out
from detente.gateway.logic.node import Frame, LineDown, LineUp, Timer, restore, start
from detente.gateway.logic.notes import NOTE, Gone, Word, read
from detente.gateway.store import MemoryStore

NATO, RUSSIA = SIDES
CLOSED = 2000


def talked(ticks: int = 8) -> Pair:
    """A pair that has talked; then Russia has given many envelopes up, and has some more to tell."""
    pair = Pair().begin(ticks)
    link = pair.link(RUSSIA).copied()
    for sequence in range(link.next_sequence, link.next_sequence + CLOSED):
        link.closings.add(Gone(sequence=sequence, digest=bytes(32), reason="expired"))
    link.next_sequence += CLOSED
    pair.nodes[RUSSIA] = replace(pair.nodes[RUSSIA], links={NATO: link})
    for index in range(FIRST_TICK + ticks, FIRST_TICK + ticks + 8):
        pair.pass_time(5.0)
        pair.tick(index, RUSSIA)
    assert pair.link(RUSSIA).pending
    pair.frames.clear()
    return pair


def said(frames: list[tuple[str, str, int, bytes]], name: str) -> list[Word | None]:
    """What a side's frames are: the word of each note, None for an envelope; receipts left out."""
    words: list[Word | None] = []
    for sender, _, _, data in frames:
        if sender == name and kind_of(data, (KIND, NOTE)) is KIND:
            words.append(None)
        elif sender == name and data.startswith(NOTE.mark):
            words.append(read(data, keyring(key(name).public_key())).word)
    return words


def greeted(pair: Pair, *, heard: bool = False) -> Frame:
    """NATO's next hello to Russia."""
    link, out = pair.link(NATO).copied(), Out()
    link.heard = heard
    outbound.hello(pair.gateways[NATO], link, out, pair.now)
    pair.nodes[NATO] = replace(pair.nodes[NATO], links={RUSSIA: replace(pair.link(NATO), notes=link.notes)})
    return Frame(partner=NATO, lane=3, data=out.frames[0][2])


def test_p4_greeted_again_a_side_answers_and_sends_nothing_again() -> None:
    """Whether the partner hears it or not, or now and now not."""
    pair = talked()
    pair.do(RUSSIA, Timer())
    pair.frames.clear()
    for heard in (True,) * 20 + (False,) * 20:
        pair.do(RUSSIA, greeted(pair, heard=heard))
    assert said(pair.frames, RUSSIA) == [Word.HELLO] * 20
    pair.frames.clear()
    for number in range(100):
        pair.do(RUSSIA, greeted(pair, heard=not number % 2))
    words = said(pair.frames, RUSSIA)
    burst = int(pair.gateways[RUSSIA].limits.anew.burst)
    assert words.count(Word.HELLO) == 50
    assert words.count(None) == burst * len(pair.link(RUSSIA).pending)


def test_p4_lines_that_come_and_go_make_what_waits_due_at_a_bounded_rate() -> None:
    pair = talked()
    for _ in range(50):
        pair.do(RUSSIA, LineDown(partner=NATO))
        pair.do(RUSSIA, LineUp(partner=NATO))
        pair.do(RUSSIA, greeted(pair))
    words, waits = said(pair.frames, RUSSIA), len(pair.link(RUSSIA).pending)
    burst = int(pair.gateways[RUSSIA].limits.anew.burst)
    assert words.count(None) == burst * waits
    pair.frames.clear()
    pair.pass_time(pair.gateways[RUSSIA].limits.retry_most_s)
    pair.do(RUSSIA, Timer())
    assert said(pair.frames, RUSSIA).count(None) == waits, "each in its turn"


def test_a_partner_that_starts_again_behind_a_line_that_stands_is_served_at_once() -> None:
    """As over two servers, where nobody sees that it went: what it was sent before, and has lost, too."""
    pair = talked()
    assert set(pair.link(RUSSIA).pending) <= set(pair.link(RUSSIA).sent), "on their way, and gone"
    pair.nodes[NATO], out = restore(pair.gateways[NATO], pair.stores[NATO].load(), pair.now)
    pair.stores[NATO].commit(out.records)
    pair.do(NATO, LineUp(partner=RUSSIA))
    pair.carry()
    assert not pair.link(RUSSIA).pending


def forked(pair: Pair) -> None:
    """NATO knows a longer ledger of Russia's than Russia does."""
    ordinal, size = pair.link(NATO).newest
    link = replace(pair.link(NATO), newest=(ordinal, size + 10**6))
    pair.nodes[NATO] = replace(pair.nodes[NATO], links={RUSSIA: link})


def earlier(pair: Pair) -> None:
    """NATO knows a later epoch of Russia's."""
    link = replace(pair.link(NATO), partner_epoch=5, heard=False)
    pair.nodes[NATO] = replace(pair.nodes[NATO], links={RUSSIA: link})


@pytest.mark.parametrize("amiss", [forked, earlier])
def test_p4_two_honest_sides_out_of_step_speak_at_heartbeat_pace_until_an_operator_acts(
    amiss: Callable[[Pair], None],
) -> None:
    pair = talked()
    amiss(pair)
    pair.connect()
    heard: list[tuple[str, str, int, bytes]] = []
    for half in range(360):
        pair.pass_time(0.5)
        for name in SIDES:
            pair.do(name, Timer())
        while pair.frames:
            sender, to, lane, data = frame = pair.frames.pop(0)
            heard += [frame] if half >= 120 else []
            pair.do(to, Frame(partner=sender, lane=lane, data=data))
    assert not pair.link(NATO).heard
    assert pair.link(RUSSIA).heard
    for name in SIDES:
        words = said(heard, name)
        assert 20 <= len(words) <= 3 * 120 / pair.gateways[name].limits.heartbeat_s
        assert set(words) <= {Word.HELLO, Word.PULSE, Word.REFUSED}
    assert sum(len(data) for _, _, _, data in heard) < 120_000
    pair.stores[RUSSIA] = MemoryStore(epoch=9)
    pair.nodes[RUSSIA] = replace(start(pair.gateways[RUSSIA], 9), tick=pair.nodes[RUSSIA].tick)
    pair.do(RUSSIA, LineUp(partner=NATO))
    pair.carry()
    assert pair.link(NATO).session.open
    assert pair.link(RUSSIA).session.open


def test_a_partner_that_does_not_answer_is_greeted_ever_more_seldom() -> None:
    pair = Pair()
    for name in (RUSSIA, NATO):
        pair.do(name, LineUp(partner=other(name)))
    pair.frames.clear()
    at_s = []
    for half in range(1, 60):
        pair.pass_time(0.5)
        pair.do(RUSSIA, Timer())
        at_s += [0.5 * half for _ in said(pair.frames, RUSSIA)]
        pair.frames.clear()
    assert at_s == [0.5, 1.0, 2.0, 4.0, 8.0, 13.0, 18.0, 23.0, 28.0]
    pair.do(RUSSIA, LineUp(partner=NATO))
    pair.pass_time(0.5)
    pair.do(RUSSIA, Timer())
    assert said(pair.frames, RUSSIA) == [Word.HELLO] * 2, "over a new line as at first"


def test_a_greeting_of_an_earlier_epoch_that_comes_late_is_no_answer_to_this_one() -> None:
    """The partner says that it has heard, and means what was said before this side began anew."""
    pair = Pair()
    pair.connect()
    late = greeted(pair, heard=True)
    for name in SIDES:
        pair.do(name, LineDown(partner=other(name)))
    pair.stores[NATO], pair.nodes[NATO] = MemoryStore(epoch=2), start(pair.gateways[NATO], 2)
    for name in SIDES:
        pair.do(name, LineUp(partner=other(name)))
    pair.frames = [frame for frame in pair.frames if frame[0] == RUSSIA]
    pair.do(NATO, Frame(partner=RUSSIA, lane=pair.frames[0][2], data=pair.frames[0][3]))
    pair.frames.clear()  # and NATO's answer is lost as well
    pair.do(RUSSIA, late)
    assert (pair.link(RUSSIA).heard, pair.link(RUSSIA).partner_epoch) == (True, 1)
    pair.carry()
    assert pair.link(RUSSIA).partner_epoch == 2
    assert all(pair.link(name).session.open for name in SIDES)
