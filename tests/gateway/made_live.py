"""An exercise laid out in a folder, and stores as its two gateways would have left them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair

from detente.exercise.layout import lay_out
from detente.gateway.config import read_config
from detente.gateway.logic.node import start
from detente.gateway.prepare import Ready, prepare
from detente.gateway.sqlite_store import SqliteStore
from detente.scenario.files import load_agreement, load_scenario


def laid(folder: Path) -> Path:
    """A folder with all that both sides need."""
    lay_out(folder, load_scenario("theatre-2011"), load_agreement("lisbon-2011"), origin=datetime.now(UTC), rate=1.0)
    return folder


def ready(folder: Path, name: str) -> Ready:
    """What a side would start with."""
    return prepare(read_config(folder / f"{name}.yaml"))


@contextmanager
def both(folder: Path) -> Iterator[Pair]:
    """Both gateways of the folder, connected, on their stores in it."""
    made = {name: ready(folder, name) for name in SIDES}
    stores = {
        name: SqliteStore(folder / f"{name}.store", name, epoch=1, exercise=made[name].exercise) for name in SIDES
    }
    pair = Pair(stores=stores)  # type: ignore[arg-type]
    pair.gateways = {name: made[name].gateway for name in SIDES}
    pair.nodes = {name: start(pair.gateways[name], 1) for name in SIDES}
    pair.connect()
    yield pair
    for store in stores.values():
        store.close()


def ticked(
    pair: Pair, until: Callable[[Pair], bool], hears: Callable[[Pair, str], bool] = lambda pair, to: True
) -> int:
    """Tick after tick until something is so; frames reach only who ``hears``. The next tick's index."""
    index = FIRST_TICK
    while not until(pair):
        pair.pass_time(5.0)
        pair.tick(index)
        pair.frames = [frame for frame in pair.frames if hears(pair, frame[1])]
        pair.carry()
        index += 1
    return index
