"""The structured log: nothing of a side's process waits for whoever reads it."""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest

from detente.gateway.telling import LINES_MAX, PIECE_BYTES, Log

DEADLINE_S = 60.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Reading end and writing end of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def in_time(work: Callable[[], Any]) -> None:
    """Do this; it must not have waited for a reader that there is not."""
    broken: list[BaseException] = []

    def watched() -> None:
        try:
            work()
        except BaseException as error:
            broken.append(error)

    thread = Thread(target=watched, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    assert not thread.is_alive(), "it waits for the log's reader"
    if broken:
        raise broken[0]


def drained(reader: int) -> bytes:
    """What stands in a pipe."""
    os.set_blocking(reader, False)
    found = b""
    with contextlib.suppress(BlockingIOError):
        while part := os.read(reader, 1 << 20):
            found += part
    return found


def numbers(text: bytes) -> list[int]:
    """Which documents these whole lines are."""
    assert text.endswith(b"\n")
    return [json.loads(line)["number"] for line in text.splitlines()]


@pytest.mark.parametrize("text", ["short", "a line of several pieces " * PIECE_BYTES])
def test_p7_a_log_that_nobody_reads_waits_and_is_read_later(pipe: tuple[int, int], text: str) -> None:
    """Whole lines, in order, without another one having to be said first."""
    reader, writer = pipe
    log, said, found = Log(writer), 0, b""

    async def told() -> None:
        nonlocal said, found
        while len(log.waiting) < 20:
            log.show({"number": said, "text": text})
            said += 1
        while log.waiting or log.begun:
            found += drained(reader)
            await asyncio.sleep(0)

    in_time(lambda: asyncio.run(told()))
    assert numbers(found + drained(reader)) == list(range(said))


def test_p7_of_a_log_that_nobody_reads_the_newest_lines_are_kept_and_the_others_counted(pipe: tuple[int, int]) -> None:
    """What is kept is bounded, however long nobody reads; whoever tells is told of each line that is lost."""
    reader, writer = pipe
    log, lost, many = Log(writer), 0, 5 * LINES_MAX

    async def told() -> None:
        nonlocal lost
        for number in range(many):
            try:
                log.show({"number": number, "text": "x" * 100})
            except OSError:
                lost += 1

    in_time(lambda: asyncio.run(told()))
    assert len(log.waiting) == LINES_MAX
    found = b""
    while log.waiting or log.begun:
        found += drained(reader)
        log.finish(0.0)
    shown = numbers(found + drained(reader))
    assert len(shown) == many - lost
    assert shown[-LINES_MAX:] == list(range(many - LINES_MAX, many))


def test_p7_a_process_that_ends_waits_for_its_reader_no_longer_than_it_may(pipe: tuple[int, int]) -> None:
    """Nothing runs any more that would call when there is room."""
    reader, writer = pipe
    log = Log(writer)

    def told() -> None:
        for number in range(LINES_MAX):
            log.show({"number": number, "text": "x" * 200})
        log.finish(0.1)

    in_time(told)
    waits = len(log.waiting)
    assert waits
    found = drained(reader)
    log.finish(0.1)
    assert len(log.waiting) < waits, "what there is room for is shown"
    whole = (found + drained(reader)).rpartition(b"\n")[0] + b"\n"
    assert numbers(whole) == list(range(LINES_MAX - len(log.waiting) - bool(log.begun)))


@pytest.mark.parametrize("gone", ["disk", "reader"])
def test_p7_a_full_disk_or_a_reader_that_is_gone_is_an_error_of_the_log_alone(
    pipe: tuple[int, int], gone: str
) -> None:  # fmt: skip
    """Each line that could not be shown is told to whoever said it."""
    reader, writer = pipe
    os.close(reader)
    with open("/dev/full", "wb") as full:
        log = Log(full.fileno() if gone == "disk" else writer)
        for number in range(2 * LINES_MAX):
            with pytest.raises(OSError, match="No space left" if gone == "disk" else "Broken pipe"):
                log.show({"number": number})
        assert len(log.waiting) <= LINES_MAX


def test_a_reader_that_goes_while_lines_wait_is_an_error_of_the_next_line(pipe: tuple[int, int]) -> None:
    """And of none that was said before it went."""
    reader, writer = pipe
    log = Log(writer)

    async def told() -> None:
        while not log.waiting:
            log.show({"number": 0, "text": "x" * 1000})
        os.close(reader)
        await asyncio.sleep(0.05)
        with pytest.raises(BrokenPipeError):
            log.show({"number": 1})

    in_time(lambda: asyncio.run(told()))
