"""The lines to partners are those of the configuration: at the start, and after each reload."""

import asyncio
import gc
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.made_gateway import SIDES
from tests.gateway.made_live import laid, ready

from detente.gateway.lines import Lines
from detente.gateway.serve import Server
from detente.gateway.transport import at_once
from detente.records.errors import InputErrors

NATO, RUSSIA = SIDES


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield laid(tmp_path)
    gc.unfreeze()  # a process that starts freezes what there is


def edited(folder: Path, side: str = NATO, **values: Any) -> None:
    document = json.loads((folder / f"{side}.yaml").read_text()) | values
    (folder / f"{side}.yaml").write_text(json.dumps(document))


def partners_of(folder: Path, side: str = NATO) -> list[dict[str, Any]]:
    return json.loads((folder / f"{side}.yaml").read_text())["partners"]


def heard_at(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1.0).close()
    except OSError:
        return False
    return True


def free() -> str:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return f"127.0.0.1:{held.getsockname()[1]}"


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(20.0):
        while not what():
            await asyncio.sleep(0.02)


def running(folder: Path, story: Callable[[Server], Awaitable[None]], *others: str) -> list[dict[str, Any]]:
    """NATO's process, and others', while something happens; what NATO's log says of lines."""
    told: list[dict[str, Any]] = []

    async def live() -> None:
        servers = [Server(ready(folder, NATO), told.append)]
        servers += [Server(ready(folder, name), lambda line: None) for name in others]
        tasks = [asyncio.create_task(server.run()) for server in servers]
        await until(lambda: all(server.started for server in servers))
        try:
            await story(servers[0])
        finally:
            for server in servers:
                server.stop()
            await asyncio.gather(*tasks)

    asyncio.run(live())
    return [one for one in told if one["event"] == "line"]


def test_a_reload_opens_and_closes_lines_as_the_configuration_now_says(folder: Path) -> None:
    """A revocation as documented: without the partner, started so, and with it again."""
    whole = (folder / "NATO.yaml").read_text()
    partners = partners_of(folder)
    address, elsewhere = partners[0]["listen"], free()
    document = {name: value for name, value in json.loads(whole).items() if name not in ("agreement", "signatures")}
    (folder / "NATO.yaml").write_text(json.dumps(document | {"partners": []}))

    async def story(server: Server) -> None:
        assert not heard_at(address)
        (folder / "NATO.yaml").write_text(whole)
        assert await server._order("reload", "-") == ""
        assert heard_at(address)
        await until(lambda: server.node.links[RUSSIA].heard)
        server.partners.paces[RUSSIA].refused += 2
        edited(folder, partners=[partners[0] | {"listen": elsewhere}])
        assert await server._order("reload", "-") == ""
        assert not heard_at(address)
        assert heard_at(elsewhere)
        await until(lambda: not server.node.links[RUSSIA].up)
        edited(folder, RUSSIA, partners=[partners_of(folder, RUSSIA)[0] | {"connect": elsewhere}])
        (folder / "NATO.yaml").write_text(json.dumps(document | {"partners": []}))
        assert await server._order("reload", "-") == ""
        assert not heard_at(elsewhere)
        assert server.lines == {}
        assert server._state()[1]["calls_refused_total"] == 2.0, "what was counted outlives a line"

    told = running(folder, story, RUSSIA)
    assert [one["up"] for one in told] == [True, False]


def test_a_line_that_a_reload_cannot_open_is_answered(folder: Path) -> None:
    partners = partners_of(folder)

    async def story(server: Server) -> None:
        with socket.create_server(("127.0.0.1", 0)) as held:
            busy = f"127.0.0.1:{held.getsockname()[1]}"
            edited(folder, partners=[partners[0] | {"listen": busy}])
            answer = await server._order("reload", "-")
            assert answer.startswith("all but this is as the configuration says")
            assert f"address {busy} cannot be listened on" in answer
        assert await server._order("reload", "-") == "", "it is tried again"
        assert heard_at(busy)

    running(folder, story)


def test_a_line_that_cannot_be_opened_keeps_no_other_closed(folder: Path) -> None:
    """All but the two that cannot be are as the configuration says, whatever their order, and both are told."""
    partner = partners_of(folder)[0]

    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as held:
            busy, fine = f"127.0.0.1:{held.getsockname()[1]}", free()
            known = ready(folder, NATO)
            one = known.config.file.partners[0]
            file = known.config.file.model_copy(
                update={
                    "partners": [
                        one.model_copy(update={"name": name, "listen": listen, "authority": authority})
                        for name, listen, authority in (
                            ("first", busy, partner["authority"]), ("second", free(), "nowhere.pem"),
                            ("third", fine, partner["authority"]),
                        )
                    ]
                }
            )  # fmt: skip
            asked = replace(known, config=replace(known.config, file=file))
            lines = Lines(unheard, unheard, unheard, at_once, lambda name, task: None)
            with pytest.raises(InputErrors) as refused:
                await lines.follow(asked)
            assert f"address {busy} cannot be listened on" in str(refused.value)
            assert "nowhere.pem" in str(refused.value)
            assert list(lines.open) == ["third"]
            assert heard_at(fine)
            lines.close()

    def unheard(partner: str) -> Any:
        return lambda *_: None

    asyncio.run(story())
