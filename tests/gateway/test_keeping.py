"""Keep, then speak, while the next steps are made: what counts when, what one commit holds, what a failure undoes."""

import asyncio
import shutil
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, feed

from detente.gateway.keeping import Keeping, Step
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.link import Out
from detente.gateway.logic.node import Frame, Tick, restore, step, steps, watch
from detente.gateway.logic.packing import pack
from detente.gateway.logic.records import Kept, Logged, Saved, StoreError, Ticked
from detente.gateway.sqlite_store import SqliteStore

NATO, RUSSIA = SIDES


class HeldStore(SqliteStore):
    """A store whose commits end when they are let, in order, and fail where they are told to."""

    def __init__(self, path: Path, side: str, failing: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        super().__init__(path, side, epoch=1)
        self.failing, self.commits, self.sizes = failing, 0, []
        self.let = threading.Semaphore(0)

    def begin(self, records) -> None:
        self.sizes.append(len(records))
        super().begin(records)

    def finish(self) -> None:
        assert self.let.acquire(timeout=20.0), "a commit that nobody expects"
        self.commits += 1
        if self.commits in self.failing:
            self.base.execute("ROLLBACK")
            raise StoreError("no room on the disk")
        super().finish()


def kept(number: int) -> Out:
    """What a step may want kept and said, recognisable by its number."""
    return Out(
        records=[Kept(partner=RUSSIA, document=str(number))], frames=[(RUSSIA, Lane.NOTE, bytes([number]))]
    )  # fmt: skip


class Told:
    """What a keeping told, in order."""

    def __init__(self) -> None:
        self.said: list[int] = []
        self.lost: list[list[int]] = []

    def kept(self, one: Step) -> None:
        self.said += [data[0] for _, _, data in one.out.frames]

    def undone(self, _: StoreError, gone: list[Step]) -> None:
        self.lost.append([data[0] for one in gone for _, _, data in one.out.frames])


@contextmanager
def running(store: HeldStore, node, told: Told):
    loop = asyncio.new_event_loop()
    keeping = Keeping(store, node, kept=told.kept, lost=told.undone)
    keeping.run_in(loop)
    try:
        yield keeping
    finally:
        for _ in range(99):
            store.let.release()
        keeping.close()
        loop.close()


def documents(store: SqliteStore) -> list[str]:
    return [one.document for one in store.load().kept]


def test_p6_nothing_is_said_before_it_is_kept_and_one_commit_holds_all_that_was_made_meanwhile(tmp_path: Path) -> None:
    told, base = Told(), Pair().nodes[NATO]
    with closing(HeldStore(tmp_path / "s", NATO)) as store, running(store, base, told) as keeping:
        nodes = [replace(base, tick=number) for number in range(4)]
        for number, node in enumerate(nodes):
            keeping.take(Step(node=node, out=kept(number)))
            assert keeping.node is node, "the next step is made from it at once"
        keeping.take(Step(node=nodes[3], out=Out(frames=[(RUSSIA, Lane.NOTE, b"\x09")])))
        assert told.said == []
        assert keeping.sure is base
        for _ in range(2):
            store.let.release()
        keeping.settle()
        assert told.said == [0, 1, 2, 3, 9], "in order; also what had nothing to keep"
        assert keeping.sure is nodes[3]
        assert store.commits == 2
        assert store.sizes == [1, 1], "of what is kept of a partner only the last word is written"
        assert documents(store) == ["3"]


def test_p7_what_cannot_be_kept_takes_with_it_what_was_made_of_it(tmp_path: Path) -> None:
    told, base = Told(), Pair().nodes[NATO]
    with closing(HeldStore(tmp_path / "s", NATO, failing={2})) as store, running(store, base, told) as keeping:
        first, second, third, fourth = (replace(base, tick=number) for number in range(4))
        store.let.release()
        keeping.take(Step(node=first, out=kept(0)))
        keeping.settle()
        keeping.take(Step(node=second, out=kept(1)))
        keeping.take(Step(node=third, out=kept(2)))
        store.let.release()
        keeping.settle()
        assert told.lost == [[1, 2]]
        assert keeping.node is keeping.sure is first
        store.let.release()
        keeping.take(Step(node=fourth, out=kept(3)))
        keeping.settle()
        assert told.said == [0, 3]
        assert documents(store) == ["3"]


def test_p7_of_a_tick_that_is_lost_own_sensors_half_stays(tmp_path: Path) -> None:
    pair, told = Pair(), Told()
    pair.connect()
    gateway, base = pair.gateways[RUSSIA], pair.nodes[RUSSIA]
    with closing(HeldStore(tmp_path / "s", RUSSIA, failing={1})) as store, running(store, base, told) as keeping:
        for index in range(FIRST_TICK, FIRST_TICK + 3):
            detections = feed(SIDES.index(RUSSIA)).tick(index)
            own, _ = watch(gateway, keeping.node, index, detections)
            event = Tick(index=index, detections=detections, own=own)
            node, out = step(gateway, keeping.node, event, pair.now)
            keeping.take(Step(node=node, out=out, tick=event))
        store.let.release()
        keeping.settle()
        assert keeping.node.tick == FIRST_TICK + 2
        assert pack(keeping.node.centre.own) == pack(own)
        assert not keeping.node.durable
        assert keeping.node.links == base.links
        assert pack(keeping.node.centre.assisted) == pack(base.centre.assisted)


def as_a_kill_leaves_it(folder: Path) -> Saved:
    """What a new process finds, with the commit on its way cut off."""
    copy = folder / "copy"
    copy.mkdir()
    for name in ("s", "s-wal"):
        shutil.copy(folder / name, copy / name)
    with closing(SqliteStore(copy / "s", NATO, epoch=9)) as found:
        return found.load()


@pytest.mark.parametrize("seed", range(4))
def test_p6_a_kill_while_steps_wait_leaves_what_was_said(tmp_path: Path, seed: int) -> None:
    """Whenever it dies, the store gives back the state that it had spoken of, to the last bit; and never one beyond."""
    lot, pair, told = Random(seed), Pair(), Told()
    pair.connect()
    gateway = pair.gateways[NATO]
    store = HeldStore(tmp_path / "s", NATO)
    store.let.release()
    entries = [Logged(partner=RUSSIA, entry=entry) for entry in pair.stores[NATO].ledger(RUSSIA)]
    store.commit([*entries, pair.nodes[NATO].links[RUSSIA].kept()])
    with closing(store), running(store, pair.nodes[NATO], told) as keeping:
        for index in range(FIRST_TICK, FIRST_TICK + 6):
            pair.pass_time(5.0)
            pair.tick(index)
            letters = [
                Frame(partner=sender, lane=lane, data=data) for sender, to, lane, data in pair.frames if to == NATO
            ]  # fmt: skip
            pair.carry()
            for letter in letters:
                node, out = steps(gateway, keeping.node, (letter,), pair.now)
                keeping.take(Step(node=node, out=out))
            detections = feed(SIDES.index(NATO)).tick(index)
            own, _ = watch(gateway, keeping.node, index, detections)
            event = Tick(index=index, detections=detections, own=own)
            node, out = step(gateway, keeping.node, event, pair.now)
            keeping.take(Step(node=node, out=out, tick=event))
            if lot.random() < 0.5 and keeping.group:
                store.let.release()
                keeping.worker.wait()  # type: ignore[union-attr]
                keeping._done()
        assert keeping.node is not keeping.sure, "it dies with steps on their way"
        saved, sure = as_a_kill_leaves_it(tmp_path), keeping.sure
        assert any(isinstance(record, Ticked) for record in saved.ticks) == (sure.tick >= FIRST_TICK)
        again, _ = restore(gateway, saved, pair.now)
        assert again.links[RUSSIA].tip == sure.links[RUSSIA].tip
        assert again.links[RUSSIA].next_sequence == sure.links[RUSSIA].next_sequence
        assert again.links[RUSSIA].below == sure.links[RUSSIA].below
        if sure.tick >= FIRST_TICK:
            assert again.tick == sure.tick
            assert pack(again.centre) == pack(sure.centre)


def test_our_own_fault_in_a_commit_is_found_by_the_next_step(tmp_path: Path) -> None:
    """An error that is not the disk's must end the process, though it happens where nobody waits."""
    told, base = Told(), Pair().nodes[NATO]
    with closing(HeldStore(tmp_path / "s", NATO)) as store, running(store, base, told) as keeping:
        keeping.kept = lambda _: pytest.fail("as if what is said could not be written")
        keeping.take(Step(node=base, out=kept(0)))
        store.let.release()
        keeping.worker.wait()  # type: ignore[union-attr]
        with pytest.raises(pytest.fail.Exception):
            keeping._done()
        with pytest.raises(pytest.fail.Exception, match="as if what is said"):
            keeping.take(Step(node=base, out=kept(1)))
