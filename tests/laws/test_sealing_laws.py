"""A study's pictures are the same whether releases move as arrays or as sealed envelopes."""

import numpy as np
import pytest

from detente.records.stages import Messages, TrackHistory, Warnings
from detente.scenario.files import load_scenario
from detente.studies import pictures as pictures_module
from detente.studies.architectures import BY_NAME
from detente.studies.replicates import fly


class Bare:
    """What a chunk has in place of sealing when releases move as arrays: nothing happens to them."""

    def __init__(self, *_: object) -> None:
        pass

    def remember(self, *_: object) -> None:
        """Nobody will ask."""

    def carry(self, messages: Messages) -> Messages:
        """As they are."""
        return messages

    def ledgers(self) -> dict[str, object]:
        """None."""
        return {}


EXCHANGING = tuple(name for name, architecture in BY_NAME.items() if architecture.exchange)


@pytest.mark.parametrize(
    ("name", "sampled", "architectures"),
    [("theatre-2011", (2, 40), EXCHANGING), ("three-sides", (2, 9), ("cooperating",))],
)  # fmt: skip
def test_pictures_are_the_same_sealed_or_not(
    monkeypatch: pytest.MonkeyPatch, name: str, sampled: tuple[int, ...], architectures: tuple[str, ...]
) -> None:
    """Of every architecture that exchanges: exact tracks between two sides; coarse and delayed ones among three."""
    scenario, replicates, names = load_scenario(name), np.array(sampled), ("alone", *architectures)
    sealed = fly(scenario, 11, replicates, names, record=True)
    monkeypatch.setattr(pictures_module, "Sealing", Bare)
    bare = fly(scenario, 11, replicates, names, record=True)
    assert len(EXCHANGING) == 4
    for architecture in architectures:
        assert sealed.ledgers[architecture]
        assert bare.ledgers[architecture] == {}
        for stage, kind in (("tracks", TrackHistory), ("warnings", Warnings), ("messages", Messages)):
            one, other = sealed.tables[architecture][stage], bare.tables[architecture][stage]
            assert len(one) > 10, f"{architecture} {stage}"
            assert set(one.replicate.tolist()) == set(sampled)
            for column, _ in kind.columns():
                assert getattr(one, column).tobytes() == getattr(other, column).tobytes(), f"{stage}.{column}"
    for column, _ in sealed.table.columns():
        assert getattr(sealed.table, column).tobytes() == getattr(bare.table, column).tobytes(), column
    told = sealed.tables["cooperating"]["messages"]
    assert told.coarsened.any() == (told.released_s - told.valid_s >= 5.0).any() == (name == "three-sides")


def test_a_studys_numbers_are_those_of_recorded_worlds() -> None:
    """What a study flies, as arrays and unrecorded, gives the same table."""
    scenario, replicates, names = load_scenario("theatre-2011"), np.array([2]), ("alone", "cooperating")
    sealed, moved = (fly(scenario, 11, replicates, names, record=record) for record in (True, False))
    for column, _ in sealed.table.columns():
        assert getattr(sealed.table, column).tobytes() == getattr(moved.table, column).tobytes(), column
