"""``detente sapient``: what was told of sensors, as SAPIENT status reports, and such reports read back."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli.options import Json, Listing, emit, owned_failures, side_meant, write_file
from detente.records.errors import InputError, PeerError

if TYPE_CHECKING:
    from detente.bridges.sapient import Node
    from detente.records.slots import SensorStatus

BYTES_MAX = 200_000_000

sapient = typer.Typer(
    name="sapient", cls=Listing,
    help="SAPIENT (BSI Flex 335 v2.0) for those whose tools speak it: sensors' status, out and in.",
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@sapient.command()
def write(
    run: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="a run's folder")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="frames, as they go over a line")],
    side_said: Annotated[str | None, typer.Option("--side", help="whose sensors")] = None,
    to_said: Annotated[str | None, typer.Option("--to", metavar="SIDE", help="who was told")] = None,
) -> None:
    """What one side told another of its sensors: a registration of each, and its status reports."""
    with owned_failures():
        from detente.bridges.sapient import written
        from detente.records.stages import Messages
        from detente.scenario.agreement import DataClass
        from detente.studies.decisions import read_setting, read_stage

        setting = read_setting(run)
        nodes, sides, epoch = _nodes_of_run(run, setting)
        side, to = side_meant(side_said, sides), side_meant(to_said, sides, "--to")
        said = read_stage(run, Messages)
        said = said.take((said.giver == sides.index(side)) & (said.receiver == sides.index(to)))
        said = said.take(said.data == DataClass.SENSOR_STATUS)
        if not len(said):
            raise InputError(
                f"nothing that {side} told {to} of its sensors", "a run under an agreement with a sensor-status clause",
                "fly one, say `detente run lisbon-2010`", file=str(run),
            )  # fmt: skip
        periods = [clause["every_s"] for clause in setting["agreement"]["text"]["clauses"]]
        every_s = min(periods[clause] for clause in set(said.clause.tolist()))
        told = write_file(out, written(said, nodes, sides, epoch, marking="simulated", every_s=every_s))
        typer.echo(f"{told}: {len(said)} reports of {len(set(said.number.tolist()))} sensors")


@sapient.command()
def read(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="SAPIENT messages, each with its length before it")],
    sensors: Annotated[
        Path, typer.Option("--sensors", metavar="RUN_DIR|THEATRE", help="whose sensors: a run's folder, or a theatre")
    ],
    as_json: Json = False,
) -> None:
    """What SAPIENT nodes last reported of our sensors: up, degraded or down, since when, and what they watch."""
    with owned_failures():
        import numpy as np

        from detente.bridges.sapient import read as read_stream
        from detente.centre.exchange.sensor_status import heard, nothing_declared

        nodes, sides, epoch = _nodes(sensors)
        try:
            found = read_stream(_bytes(file), nodes, sides, epoch)
        except PeerError as error:
            raise InputError(
                str(error), "registrations and status reports of these sensors, as BSI Flex 335 v2.0 has them",
                "ask whoever wrote the file", file=str(file),
            ) from error  # fmt: skip
        status = heard(nothing_declared(1, len(nodes)), found.messages, np.array([node.side for node in nodes]))
        told = {
            node.name: {"side": sides[node.side], **_told(status, index, epoch)}
            for index, node in enumerate(nodes) if status.state[0, index]
        }  # fmt: skip
        if as_json:
            emit({"sensors": told, "reports": len(found.messages), "skipped": dict(found.skipped)})
            return
        for name, one in told.items():
            typer.echo(f"{name} ({one['side']}): {one['state']}, as of {one['as_of']}{_watched(one['watches'])}")
        skipped = "".join(f", {count} of kind {kind} skipped" for kind, count in found.skipped.items())
        typer.echo(f"{len(found.messages)} reports{skipped}")


def _told(status: "SensorStatus", index: int, epoch: datetime) -> dict[str, Any]:
    """One sensor's status, for people."""
    import numpy as np

    from detente.geodesy.timescale import format_time
    from detente.records.slots import SensorState

    sector = status.sector[0, index]
    boresight, half_width, lowest, highest = np.degrees(sector[:4]).round(6).tolist()
    watches = {
        "boresight_deg": boresight % 360.0, "width_deg": 2.0 * half_width, "elevation_deg": [lowest, highest],
        "range_km": float(sector[4]) / 1e3,
    }  # fmt: skip
    return {
        "state": SensorState(int(status.state[0, index])).name.lower(),
        "as_of": format_time(epoch, float(status.stated_s[0, index])),
        "watches": watches if sector.any() else None,
    }  # fmt: skip


def _watched(watches: dict[str, Any] | None) -> str:
    if watches is None:
        return ""
    low, high = watches["elevation_deg"]
    return (
        f"; watches {watches['width_deg']:g}° about {watches['boresight_deg']:g}°, {low:g}° to {high:g}° high, "
        f"{watches['range_km']:g} km far"
    )


def _nodes(path: Path) -> tuple[list["Node"], Sequence[str], datetime]:
    """Sensors, sides and epoch of a run's folder, or of a theatre's file."""
    if path.is_dir():
        from detente.studies.decisions import read_setting

        return _nodes_of_run(path, read_setting(path))
    import math

    from detente.bridges.sapient import Node
    from detente.gateway.theatre import read_theatre
    from detente.records.slots import DetectionKind

    theatre = read_theatre(path)
    suite = theatre.suite
    nodes = [
        Node(
            name=name, side=int(suite.side[i]), kind=DetectionKind(int(suite.kind[i])),
            position_deg_m=(math.degrees(suite.lat_rad[i]), math.degrees(suite.lon_rad[i]), float(suite.height_m[i]))
            if suite.kind[i] == DetectionKind.RADAR else None,
        )
        for i, name in enumerate(suite.names)
    ]  # fmt: skip
    return nodes, theatre.names, theatre.setting.epoch


def _nodes_of_run(run: Path, setting: dict[str, Any]) -> tuple[list["Node"], Sequence[str], datetime]:
    from detente.bridges.sapient import Node
    from detente.geodesy.timescale import parse_moment
    from detente.records.slots import DetectionKind

    kinds = {"radar": DetectionKind.RADAR, "infrared": DetectionKind.INFRARED}
    if any("kind" not in sensor for sensor in setting["sensors"]):
        raise InputError(
            "a run that does not say what kinds of sensors it had", "a run of this version", "fly it again",
            file=str(run),
        )  # fmt: skip
    nodes = [
        Node(
            name=sensor["name"], side=setting["sides"].index(sensor["side"]), kind=kinds[sensor["kind"]],
            position_deg_m=(sensor["lat_deg"], sensor["lon_deg"], sensor["altitude_m"])
            if sensor["kind"] == "radar" else None,
        )
        for sensor in setting["sensors"]
    ]  # fmt: skip
    return nodes, setting["sides"], parse_moment(setting["epoch"])


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > BYTES_MAX:
            raise OSError(0, f"it holds more than {BYTES_MAX:,} bytes")
        found = path.read_bytes()
        if not found:
            raise OSError(0, "it is empty")
        return found
    except OSError as error:
        raise InputError(
            f"a file that cannot be read: {error.strerror}",
            "SAPIENT messages",
            "check which file is meant",
            file=str(path),
        ) from error
