"""The simulated line, by hand: what arrives at which tick, what is lost, and how often."""

import math

import numpy as np
import pytest

from detente.records.stages import Messages
from detente.scenario.files import load_scenario
from detente.studies.link import Link
from detente.studies.replicates import fly

TICK_S = 5.0
GIVER, RECEIVER, TRACK = 0, 1, 3


def link(delay_s=(0.0,), loss=None, replicates=None, seed=1):
    rows = len(delay_s)
    return Link(
        seed=seed,
        replicate_ids=np.arange(rows) if replicates is None else np.asarray(replicates),
        delay_s=np.asarray(delay_s, float),
        loss_probability=np.zeros(rows) if loss is None else np.asarray(loss, float),
        tick_s=TICK_S,
    )


def messages(numbers, row=0, left_s=0.0, **columns):
    """Tracks of these numbers, told by side 0 to side 1."""
    count = len(numbers)
    values = {name: np.zeros((count, *spec.shape), spec.dtype) for name, spec in Messages.columns()}
    stated = {"number": numbers, "replicate": row, "released_s": left_s, "giver": GIVER, "receiver": RECEIVER,
              "data": TRACK, **columns}  # fmt: skip
    for name, value in stated.items():
        values[name][:] = value
    return Messages(**values)


def heard(line, ticks):
    """Tick → the track numbers that arrive at it; ticks at which nothing does are left out."""
    found = {tick: line.arrivals(tick)[0].number.tolist() for tick in range(ticks)}
    return {tick: numbers for tick, numbers in found.items() if numbers}


def left_at(tick):
    """A tick's messages leave at its end."""
    return (tick + 1) * TICK_S


@pytest.mark.parametrize(
    ("delay_s", "arrives"),
    [(0.0, 4), (0.5, 4), (4.9, 4), (5.0, 4), (5.1, 5), (10.0, 5), (12.0, 6), (60.0, 15), (61.0, 16)],
)
def test_a_message_arrives_at_the_first_tick_not_before_its_delay(delay_s, arrives):
    line = link([delay_s])
    line.send(messages([7], left_s=left_at(3)), 3)
    assert heard(line, 20) == {arrives: [7]}
    assert arrives == 4 or left_at(arrives - 1) < left_at(3) + delay_s <= left_at(arrives)


def test_every_replicate_has_its_own_delay_and_finds_its_own_rows():
    line = link([12.0, 0.0, 12.0])
    line.send(messages([5, 6, 7, 8, 9], row=[0, 1, 1, 2, 2], left_s=left_at(0)), 0)
    soon, offsets = line.arrivals(1)
    assert (soon.number.tolist(), offsets.tolist()) == ([6, 7], [0, 0, 2, 2])
    late, offsets = line.arrivals(3)
    assert (late.number.tolist(), offsets.tolist()) == ([5, 8, 9], [0, 1, 1, 3])
    nothing, offsets = line.arrivals(4)
    assert (len(nothing), offsets.tolist()) == (0, [0, 0, 0, 0])


def test_the_line_keeps_the_order_of_its_messages_and_delivers_each_once():
    line = link([12.0])
    line.send(messages([9, 4, 6], left_s=left_at(0)), 0)
    line.send(messages([3, 8], left_s=left_at(1)), 1)
    assert heard(line, 10) == {3: [9, 4, 6], 4: [3, 8]}
    assert heard(line, 10) == {}
    line.send(Messages.empty(), 2)
    assert heard(line, 10) == {}


def test_messages_that_left_at_different_moments_of_a_tick_arrive_each_in_its_time():
    """What a clause held back may leave inside a tick: jitter of up to a tick, and none of it is lost."""
    line = link([12.0])
    line.send(messages([1, 2, 3], left_s=[1.0, 4.0, 5.0]), 0)
    assert heard(line, 10) == {2: [1], 3: [2, 3]}


def test_no_message_arrives_at_the_tick_at_which_it_leaves():
    line = link([0.0])
    line.send(messages([1], left_s=1.0), 6)
    assert heard(line, 20) == {7: [1]}


def test_what_arrives_is_what_was_sent():
    line = link([3.0])
    sent = messages([11], left_s=left_at(0), state=np.arange(6.0), covariance=np.arange(21.0), sensors=5)
    line.send(sent, 0)
    got, _ = line.arrivals(1)
    assert all(np.array_equal(getattr(got, name), getattr(sent, name)) for name, _ in Messages.columns())


def lost_share(probability, ticks=40, tracks=250):
    """Of so many messages in each of three replicates."""
    line = link([2.0] * 3, [probability] * 3)
    row = np.repeat(np.arange(3), tracks)
    for tick in range(ticks):
        line.send(messages(np.tile(np.arange(1, tracks + 1), 3), row=row, left_s=left_at(tick)), tick)
    arrived = np.array([np.diff(line.arrivals(tick)[1]) for tick in range(ticks + 2)]).sum(axis=0)
    return 1.0 - arrived / (ticks * tracks)


@pytest.mark.parametrize("probability", [0.01, 0.05, 0.3, 0.9])
def test_as_many_are_lost_as_the_drawn_probability_says(probability):
    sigma = math.sqrt(probability * (1.0 - probability) / 10_000)
    share = lost_share(probability)
    assert np.abs(share - probability).max() < 4.0 * sigma
    assert len(set(share.tolist())) > 1  # by replicate: each has its own draws


def test_certain_lines_lose_nothing_and_dead_ones_everything():
    assert lost_share(0.0, ticks=3).tolist() == [0.0] * 3
    assert lost_share(1.0, ticks=3).tolist() == [1.0] * 3


def lost_of(line, sent, tick=0):
    """Places, in what was sent, of what did not arrive."""
    line.send(sent, tick)
    arrived = {tuple(row) for at in range(tick, tick + 4) for row in _addresses(line.arrivals(at)[0])}
    return [place for place, address in enumerate(_addresses(sent)) if tuple(address) not in arrived]


def _addresses(table):
    columns = (table.replicate, table.giver, table.receiver, table.data, table.number)
    return np.stack(columns, axis=1).tolist()


def test_a_loss_depends_on_the_messages_address_alone():
    """Not on what goes beside it, on the row its replicate has, nor on the order: another address, another draw."""
    many = messages(np.arange(1, 201), left_s=left_at(0))
    lost = lost_of(link([2.0], [0.3]), many)
    assert 30 < len(lost) < 90
    few = np.arange(0, 200, 3)
    assert [few[place] for place in lost_of(link([2.0], [0.3]), many.take(few))] == [n for n in lost if n % 3 == 0]
    beside = link([9.0, 2.0], [0.9, 0.3], replicates=[17, 0])
    assert lost_of(beside, messages(np.arange(1, 201), row=1, left_s=left_at(0))) == lost
    assert [199 - place for place in lost_of(link([2.0], [0.3]), many.take(np.arange(199, -1, -1)))] == lost[::-1]
    others = [
        lost_of(link([2.0], [0.3]), messages(np.arange(1, 201), left_s=left_at(0), **{what: value}))
        for what, value in (("giver", 2), ("receiver", 2), ("data", 2))
    ]
    others.append(lost_of(link([2.0], [0.3], seed=2), many))
    others.append(lost_of(link([2.0], [0.3], replicates=[1]), many))
    others.append(lost_of(link([2.0], [0.3]), messages(np.arange(1, 201), left_s=left_at(1)), tick=1))
    assert all(other != lost for other in others)
    assert len({tuple(other) for other in others}) == len(others)


class Watched(Link):
    """A line that notes what was put on it and what came out."""

    def __init__(self, *given):
        super().__init__(*given)
        self.put, self.out = [], []

    def send(self, messages, tick):
        self.put += _moments(messages)
        super().send(messages, tick)

    def arrivals(self, tick):
        found = super().arrivals(tick)
        self.out += _moments(found[0])
        return found


def _moments(table):
    return [(moment, *address) for moment, address in zip(table.released_s.tolist(), _addresses(table))]


def test_two_architectures_lose_the_same_messages(monkeypatch):
    """Common random numbers: what both send, both lose or neither; and as often as the world drew."""
    over, low, high = "link.loss_probability.", "low=0.2", "high=0.4"
    scenario = load_scenario("theatre-2011", set_values=[f"{over}value=0.3", over + low, over + high])
    lines = []
    monkeypatch.setattr("detente.studies.pictures.Link", lambda *given: lines.append(Watched(*given)) or lines[-1])
    fly(scenario, 1, np.array([0]), ("warning", "cooperating"), record=False)
    assert len(lines) == 2 * len(scenario.sides)  # each architecture has a line to each side
    sent, lost = [], []
    for mine in (lines[:2], lines[2:]):
        out = [one for line in mine for one in line.out]
        assert len(out) == len(set(out))  # nothing comes twice
        put = {one for line in mine for one in line.put if one[0] < scenario.file.duration_s - 60.0}  # long arrived
        probability = mine[0].loss_probability[0]
        assert 0.2 <= probability <= 0.4
        sent.append(put)
        lost.append(put - set(out))
        assert len(lost[-1]) / len(put) == pytest.approx(probability, abs=4.0 * math.sqrt(0.25 / len(put)))
    both = sent[0] & sent[1]
    assert len(both) > 1_000
    assert lost[0] & both == lost[1] & both
