"""Law 1: one centre, two runtimes. A gateway on recorded detections warns as the study did, to the bit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import SECRET_BYTES, Secret
from detente.centre.exchange.rules import compile_agreement
from detente.centre.step import Centre, Inputs, State, begin_assisted, begin_own, cooperate, observe, step
from detente.exercise.briefing import play_world
from detente.gateway.logic.node import start
from detente.gateway.logic.node import watch as live_watch
from detente.gateway.recorded import read_recorded
from detente.gateway.theatre import gateway_of
from detente.records.errors import InputError
from detente.records.stages import Messages, Warnings
from detente.scenario.asked import Scenario
from detente.studies.architectures import BY_NAME
from detente.studies.chunk import chunk_of
from detente.studies.drivers import run
from detente.studies.pictures import study_secret

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of empty rules, which never hold: any moment will do


def watch(centre: Centre, file: Path, *, tick_s: float, ticks: int) -> Warnings:
    """Step a centre (one replicate) through a recorded file, deaf to partners, and collect its own warnings.

    Only detections of the centre's own sensors are heard, whatever else the file holds.
    """
    everything = read_recorded(file)
    heard = everything.take(np.flatnonzero(centre.suite.side[everything.sensor] == centre.side))
    rules = compile_agreement(None, [f"side {index}" for index in range(centre.sides)], [], EPOCH)
    assisted = begin_assisted(
        centre, rules, np.zeros(1, np.int64), secret=Secret(bytes(SECRET_BYTES)), exchanging=False
    )
    state = State(own=begin_own(centre, 1), assisted=assisted)
    edges = np.searchsorted(heard.time_s, tick_s * np.arange(ticks + 1), side="right")
    edges[0] = 0
    said = []
    for index in range(ticks):
        part = heard.rows(int(edges[index]), int(edges[index + 1]))
        inputs = Inputs(
            detections=part,
            detection_offsets=np.array([0, len(part)]),
            messages=Messages.empty(),
            message_offsets=np.zeros(2, np.int64),
        )
        state, outputs = step(centre, state, inputs, (index + 1) * tick_s)
        said.append(outputs.own_warnings)
    return Warnings.concatenate(said)


@pytest.fixture(scope="module")
def recorded(lisbon: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run(lisbon, architecture="cooperating", seed=7, replicate=1, out=folder)
    return folder


def test_a_gateway_gives_the_studys_own_warnings(lisbon: Scenario, recorded: Path) -> None:
    import pyarrow.parquet as pq

    chunk = chunk_of(lisbon, 7, np.array([1]), pooled=False)
    said = Warnings.from_arrow(pq.read_table(recorded / "warnings.parquet"))
    for side, centre in enumerate(chunk.centres):
        warned = watch(centre, recorded / "detections.parquet", tick_s=lisbon.file.tick_s, ticks=chunk.ticks)
        expected = said.take((said.side == side) & (said.stream == 1))
        assert len(expected) > 3
        for name, _ in Warnings.columns():
            if name != "replicate":
                assert np.array_equal(getattr(warned, name), getattr(expected, name)), name


def test_step_is_observe_then_cooperate(lisbon: Scenario) -> None:
    chunk = chunk_of(lisbon, 7, np.array([0]), pooled=False)
    centre, feed = chunk.centres[1], chunk.feeds[1]
    rules = chunk.rules(BY_NAME["cooperating"])
    assisted = begin_assisted(
        centre, rules, chunk.world.replicates, secret=study_secret(7, 1), exchanging=True
    )  # fmt: skip
    own, state = begin_own(centre, 1), State(own=begin_own(centre, 1), assisted=assisted)
    nothing = Messages.empty(), np.zeros(2, np.int64)
    released = 0
    for index in range(120):
        detections, offsets = feed.tick(index)
        now_s = (index + 1) * lisbon.file.tick_s
        own, _ = observe(centre, own, detections, offsets, now_s)
        assisted, said = cooperate(centre, own, assisted, *nothing, now_s)
        inputs = Inputs(
            detections=detections, detection_offsets=offsets, messages=nothing[0], message_offsets=nothing[1]
        )
        state, outputs = step(centre, state, inputs, now_s)
        assert np.array_equal(outputs.said.messages.state, said.messages.state)
        assert np.array_equal(state.assisted.picture.mean, assisted.picture.mean)
        released += len(said.messages)
    assert released > 0
    assert np.array_equal(state.own.tracks.mean, own.tracks.mean)


def lied(messages: Messages, now_s: float) -> Messages:
    """The same messages as a liar would send them: elsewhere, falling elsewhere, certain, and never coarsened."""
    columns = {name: np.array(getattr(messages, name)) for name, _ in Messages.columns()}
    columns["state"][:, :3] *= 1.002
    columns["covariance"] *= 1e-6
    columns["impact_covariance_m2"] *= 1e-6
    columns["impact_lat_rad"] += 0.05
    columns["launch_s"] = np.minimum(columns["launch_s"] + 60.0, now_s)
    columns["number"] = columns["number"][::-1].copy()
    columns["coarsened"][:] = 0
    return Messages(**columns)


def own_stream(scenario: Scenario, partner: Callable[[Messages, float], Messages]) -> tuple[list[bytes], int, int]:
    """Side 1's own tracks and warnings, as bytes a tick, while side 0's releases reach it as ``partner`` has them.

    Also how many messages it was given, and how many lines of its picture held something of the partner's at most.
    """
    chunk = chunk_of(scenario, 7, np.array([1]), pooled=False)
    rules = chunk.rules(BY_NAME["cooperating"])
    states = [
        State(
            own=begin_own(centre, 1),
            assisted=begin_assisted(
                centre, rules, chunk.world.replicates, secret=study_secret(7, centre.side), exchanging=True
            ),
        )
        for centre in chunk.centres
    ]
    stream, given, held, letters = [], 0, 0, Messages.empty()
    for index in range(chunk.ticks):
        now_s = (index + 1) * scenario.file.tick_s
        told = partner(letters, now_s) if len(letters) else letters
        given += len(told)
        for side in (0, 1):
            detections, offsets = chunk.feeds[side].tick(index)
            heard = told if side == 1 else Messages.empty()
            inputs = Inputs(
                detections=detections,
                detection_offsets=offsets,
                messages=heard,
                message_offsets=np.array([0, len(heard)]),
            )
            states[side], outputs = step(chunk.centres[side], states[side], inputs, now_s)
            if side == 0:
                letters = outputs.said.messages
            else:
                tracks, warned = states[1].own.tracks, outputs.own_warnings
                parts = [getattr(tracks, name) for name in ("mean", "covariance", "status", "number", "sensors")]
                parts += [getattr(warned, name) for name, _ in Warnings.columns()]
                stream.append(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))
                picture = outputs.said.picture
                held = max(held, int(np.count_nonzero((picture.origin >= 2) & (picture.status > 0))))
    return stream, given, held


def test_the_own_stream_is_the_same_with_the_partner_absent_honest_or_lying(lisbon: Scenario) -> None:
    absent, none_given, none_held = own_stream(lisbon, lambda letters, _: letters.rows(0, 0))
    honest, honest_given, honest_held = own_stream(lisbon, lambda letters, _: letters)
    lying, lying_given, _ = own_stream(lisbon, lied)
    assert none_given == 0
    assert none_held == 0
    assert min(honest_given, lying_given) > 100
    assert honest_held > 0
    assert sum(len(tick) for tick in absent) > 10_000
    assert honest == absent
    assert lying == absent


def test_a_file_that_is_no_detections_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match=r"d\.parquet.*not a detections table"):
        read_recorded(tmp_path / "d.parquet")


def test_a_gateway_in_its_theatre_is_the_studys_centre(lisbon: Scenario) -> None:
    """What is handed to a live side (theatre, own detections by tick) gives the study's own stream, to the bit."""
    played = play_world(lisbon, 7, 1, slots=chunk_of(lisbon, 7, np.array([1]), pooled=False).centres[0].slots)
    chunk, warned = chunk_of(lisbon, 7, np.array([1]), pooled=False), 0
    for side, centre in enumerate(chunk.centres):
        key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        gateway = gateway_of(
            played.theatre,
            lisbon.side_names[side],
            None,
            mark=Mark.SIMULATED,
            signer=key,
            keys={},
            secret=study_secret(1, side),
        )
        node, own = start(gateway, 1), begin_own(centre, 1)
        for index in range(130):
            detections, offsets = chunk.feeds[side].tick(index)
            own, expected = observe(centre, own, detections, offsets, (index + 1) * lisbon.file.tick_s)
            live, warnings = live_watch(gateway, node, index, played.heard(side).tick(index))
            node = replace(node, centre=replace(node.centre, own=live))
            warned += len(warnings)
            for name, _ in Warnings.columns():
                assert np.array_equal(getattr(warnings, name), getattr(expected, name)), name
        assert np.array_equal(node.centre.own.tracks.mean, own.tracks.mean)
        assert np.array_equal(node.centre.own.estimates.lines, own.estimates.lines)
    assert warned > 3
