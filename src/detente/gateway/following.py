"""A tracker on anyone's detections: two files in, tracks out. The door of ``detente track`` and ``detente.track``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from detente.centre.tracking.follower import MOST_TRACKS, Decided, Follower
from detente.gateway.detection_files import Reading, read_detections, take_detections
from detente.gateway.sensor_files import Network, read_sensors
from detente.gateway.writing import all_or_none, make_folder, owned_disk_errors, whole
from detente.records.errors import InputError
from detente.records.results import FollowedTracks
from detente.records.slots import DetectionKind

if TYPE_CHECKING:
    import pandas as pd

TRACKS_FILE = "tracks.parquet"
BIASES = ("range_m", "azimuth_rad", "elevation_rad")


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What became of a file of detections."""

    tracks: FollowedTracks  # empty where they were written to a folder instead
    document: dict[str, Any]  # what was read, found and shed, as JSON


def track(
    detections: "str | Path | pa.Table | pd.DataFrame | dict[str, Any]",
    sensors: str | Path,
    *,
    model: str | None = None,
    filter: str = "ekf",
    out: str | Path | None = None,
    most_tracks: int = MOST_TRACKS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Followed:
    """Follow every object in a file of detections.

    ``detections``: a Parquet or CSV file, an Arrow table, a data frame, or columns by name (``docs/detections.md``);
    ``sensors``: a YAML file. ``model``: ``constant-gravity`` (a flat local frame, the textbook's tracker) or
    ``ballistic`` (ECEF, gravity with J2, thrust, drag); default: by the sensors' frame. ``filter``: ``ekf`` or ``ukf``.
    With ``out``, tracks are written to ``out/tracks.parquet`` as they come, and memory stays bounded. ``progress`` is
    told rows done.
    Raises InputError for anything wrong with either file.
    """
    network = read_sensors(Path(sensors), model=model, filter_name=filter)
    if not isinstance(most_tracks, Integral) or most_tracks < 1:
        raise InputError(repr(most_tracks), "room for at least 1 track", "correct the number", path="--most-tracks")
    if isinstance(detections, (str, Path)):
        reading = read_detections(Path(detections), network)
    else:
        reading = take_detections(_table(detections), network)
    follower = Follower(
        plots=reading.plots, sensors=network.sensors, settings=network.settings, most_tracks=int(most_tracks)
    )
    kept, tally = [], _Tally()
    with _tracks_file(Path(out)) if out is not None else nullcontext(kept.append) as keep:
        for part in follower.chunks():
            tally.add(part)
            keep(part)
            progress(follower.done, len(reading.plots.time_s))
    document = _document(reading, follower, tally, network, filter)
    return Followed(tracks=FollowedTracks.concatenate(kept), document=document)


def _table(detections: Any) -> pa.Table:
    """Detections in memory as an Arrow table."""
    try:
        return detections if isinstance(detections, pa.Table) else pa.table(detections)
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"{type(detections).__name__} that is no table: {error}",
            "a path, an Arrow table, a data frame, or columns by name, all of one length", "see docs/detections.md",
            path="DETECTIONS",
        ) from error  # fmt: skip


@contextmanager
def _tracks_file(out: Path) -> Iterator[Callable[[FollowedTracks], None]]:
    """What takes the tracks, part by part, into the file in a folder: that of before, or the new one, whole."""
    if out.exists() and not out.is_dir():
        raise InputError(
            "a file, where a folder is needed", "a folder, or a name that is free", "choose another", file=str(out)
        )
    path = out / TRACKS_FILE
    with owned_disk_errors(path), all_or_none() as made:
        if not out.is_dir():
            make_folder(made, out)
        with whole(path, over=True) as scratch, pq.ParquetWriter(scratch, FollowedTracks.arrow_schema()) as writer:
            yield lambda part: writer.write_table(part.to_arrow())


class _Tally:
    """What the history holds, counted part by part."""

    def __init__(self) -> None:
        self.rows = 0
        self._numbers: set[int] = set()
        self._confirmed: set[int] = set()

    def add(self, part: FollowedTracks) -> None:
        """Count one part."""
        self.rows += len(part)
        self._numbers.update(np.unique(part.track).tolist())
        self._confirmed.update(np.unique(part.track[part.confirmed == 1]).tolist())

    @property
    def tracks(self) -> dict[str, int]:
        """How many tracks there were, and how many of them were ever believed."""
        return {"begun": len(self._numbers), "confirmed": len(self._confirmed)}


def _document(
    reading: Reading, follower: Follower, tally: _Tally, network: Network, filter_name: str
) -> dict[str, Any]:
    times, settings, decided = reading.plots.time_s, network.settings, follower.decided
    return {
        "model": settings.model.name.lower().replace("_", "-"),
        "filter": filter_name,
        "association": settings.association.name.lower().replace("_", "-"),
        "detections": {
            "rows": reading.rows, "used": int(times.size), "exact_repeats": reading.repeats,
            "out_of_order": reading.backwards, "columns_ignored": list(reading.ignored),
        },
        "cautions": list(reading.cautions),
        "time_s": [float(times.min()), float(times.max())] if times.size else None,
        "tracks": tally.tracks,
        "rows": tally.rows,
        "shed": asdict(follower.shed),
        "merged": decided.merged,
        "biases": _biases(decided, network),
        "clusters": {"shared": decided.shared, "too_large_to_share": decided.crowded},
        "gate_edges": {
            "gate_sigmas": settings.gate_sigmas,
            "count": decided.edges,
            "listed": [
                {
                    "row": int(reading.places[edge.row]), "time_s": float(times[edge.row]),
                    "sensor": network.names[reading.plots.sensor[edge.row]], "track": edge.track,
                    "distance_sigmas": edge.distance_sigmas, "taken_as_inside": edge.inside,
                }
                for edge in decided.gate_edges
            ],
        },
    }  # fmt: skip


def _biases(decided: Decided, network: Network) -> dict[str, Any] | None:
    """What was learnt of each sensor's offsets; None where sensors are trusted. One that tracks of several sensors did
    not halve the doubt of is not observed: its mean is little more than what was believed before.
    """
    if decided.bias is None or decided.bias_covariance is None or decided.bias_prior is None:
        return None
    sigma = np.sqrt(np.diag(decided.bias_covariance)).reshape(-1, 3)
    return {
        name: {
            what: {
                "mean": float(decided.bias[s, k]), "sigma": float(sigma[s, k]),
                "prior_sigma": float(decided.bias_prior[s, k]),
                "observed": bool(sigma[s, k] < 0.5 * decided.bias_prior[s, k]),
            }
            for k, what in enumerate(BIASES)
            if what != "range_m" or network.sensors.kind[s] == DetectionKind.RADAR
        }
        for s, name in enumerate(network.names)
    }  # fmt: skip
