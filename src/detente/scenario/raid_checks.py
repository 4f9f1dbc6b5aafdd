"""The raid of a scenario held against the rest of it: what exists, where it may be aimed, whose troops are where."""

from collections.abc import Sequence

import numpy as np

from detente.geodesy.territory import Territory, contains
from detente.scenario.asked import People, Written
from detente.scenario.catalogue import ThreatView
from detente.scenario.complaints import did_you_mean
from detente.scenario.located import Path
from detente.scenario.raid import Launch, Raid
from detente.scenario.resolving import Resolving


def check_camps(work: Resolving, territories: Sequence[Territory | None], troops: Sequence[People]) -> None:
    """Troops abroad are allowed; that no object aimed at them counts as a threat to their side is worth knowing."""
    for side, territory, camps in zip(work.file.sides, territories, troops):
        if territory is None or not len(camps.people):
            continue
        inside = contains(territory, np.stack([camps.lat_rad, camps.lon_rad], axis=1))
        work.cautions += [
            f"troops {name}: outside the territory of {side.name}, so what falls there does not threaten that side"
            for name, held in zip(camps.names, inside)
            if not held
        ]


def after_view(work: Resolving) -> tuple[Raid, tuple[tuple[Written, ...], ...]]:
    """The raid as one party's view of the threat leaves it, and where the file says each launch of it."""
    raid, name = work.file.raid, work.file.threat_view
    everything = tuple(
        tuple(_written(work, w, k) for k in range(len(wave.launches))) for w, wave in enumerate(raid.waves)
    )
    if name is None:
        return raid, everything
    view: ThreatView | None = work.catalogue.threat_views.get(name)
    if view is None:
        work.unknown(("threat_view",), name, "threat view", sorted(work.catalogue.threat_views))
        return raid, everything
    waves, written = [], []
    for wave, places in zip(raid.waves, everything, strict=True):
        flown = (
            launch.model_copy(update={"missile": view.substitute.get(launch.missile, launch.missile)})
            for launch in wave.launches
        )
        kept = [pair for pair in zip(flown, places, strict=True) if pair[0].missile not in view.unavailable]
        if kept:
            waves.append(wave.model_copy(update={"launches": tuple(launch for launch, _ in kept)}))
            written.append(tuple(place for _, place in kept))
    if not waves:
        work.complain(
            ("threat_view",), f"a raid of which the view {name!r} leaves nothing",
            "at least one launch that the view allows",
            f"launch a missile other than {', '.join(view.unavailable)}, or choose another view",
        )  # fmt: skip
        return raid, everything
    return raid.model_copy(update={"waves": tuple(waves)}), tuple(written)


def _written(work: Resolving, wave: int, launch: int) -> Written:
    said = work.located.problem(("raid", "waves", wave, "launches", launch), "", "", "")
    return Written(said.file, said.line, said.column, said.path)


def check_raid(
    work: Resolving,
    raid: Raid,
    territories: Sequence[Territory | None],
    people: Sequence[People],
    troops: Sequence[People],
) -> None:
    """Complain of waves, missiles, places and aims of a ``raid`` that cannot be; all else is a sequence by side."""
    # Complaints name the file's own waves and launches, which a view may have thinned out: check those.
    for w, wave in enumerate(work.file.raid.waves):
        if wave.at_s >= work.file.duration_s:
            work.complain(
                ("raid", "waves", w, "at_s"),
                f"a wave at {wave.at_s:g} s",
                f"less than duration_s, {work.file.duration_s:g} s",
                "launch earlier or run longer",
            )
        for k, launch in enumerate(wave.launches):
            path = ("raid", "waves", w, "launches", k)
            if launch.missile not in work.catalogue.missiles:
                work.unknown((*path, "missile"), launch.missile, "missile", sorted(work.catalogue.missiles))
            for p, place in enumerate(launch.places):
                if place not in work.catalogue.places:
                    work.unknown((*path, "places", p), place, "place", sorted(work.catalogue.places))
            _check_aim(work, launch, path, territories, people, troops)
    for wave in raid.waves:
        for launch in wave.launches:
            if launch.missile not in work.catalogue.missiles and launch.missile not in _named(work.file.raid):
                work.unknown(("threat_view",), launch.missile, "missile", sorted(work.catalogue.missiles))


def _named(raid: Raid) -> set[str]:
    return {launch.missile for wave in raid.waves for launch in wave.launches}


def _check_aim(
    work: Resolving, launch: Launch, path: Path, territories: Sequence[Territory | None], people: Sequence[People],
    troops: Sequence[People],
) -> None:  # fmt: skip
    names = [side.name for side in work.file.sides]
    aim = launch.aim
    if aim.side not in names:
        near = did_you_mean(aim.side, names)
        work.complain(
            (*path, "aim", "side"),
            f"no side called {aim.side!r}",
            f"one of {', '.join(names)}",
            near or "name a side of this file",
        )
        return
    side = names.index(aim.side)
    if aim.at:
        _check_points(work, launch, path, territories[side])
    elif aim.by == "people" and territories[side] is not None and not len(people[side].people):
        work.complain(
            (*path, "aim", "by"), f"people of {aim.side}, where no city of {work.file.city_population_min} stands",
            "at least one city on the side's ground", "lower city_population_min, or aim by area",
        )  # fmt: skip
    elif aim.by == "troops" and not len(troops[side].people):
        work.complain(
            (*path, "aim", "by"),
            f"troops of {aim.side}, which has none",
            "troops of that side",
            "add some under `troops`, or aim by area",
        )


def _check_points(work: Resolving, launch: Launch, path: Path, territory: Territory | None) -> None:
    if territory is None:
        return
    points = np.radians([(point.lat_deg, point.lon_deg) for point in launch.aim.at])
    for k, inside in enumerate(contains(territory, points)):
        if not inside:
            at = launch.aim.at[k]
            work.complain(
                (*path, "aim", "at", k),
                f"a point at {at.lat_deg:g}, {at.lon_deg:g} outside the territory of {launch.aim.side}",
                "a point on that side's ground", "move the point, or aim at the side whose ground it is",
            )  # fmt: skip
