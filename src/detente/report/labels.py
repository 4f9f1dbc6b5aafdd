"""What a map writes beside its marks: what stands there, by the catalogue's titles, once for what stands together."""

import math
from dataclasses import dataclass
from typing import Any

from detente.geodesy.distance import great_circle_m
from detente.report.coverage import fan
from detente.report.saved import Document, Saved

HERE_M = 1e3  # a named place this near is where something stands
SAME_PLACE_M = 25e3  # a radar this near a site of its side is the site's own
TOGETHER_M = 60e3  # on a page, what is nearer than this shares one label
Place = tuple[float, float]  # latitude and longitude, degrees


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something that stands on the map: whose, where, which system, and the place's name where one helps."""

    side: int
    at: Place
    system: str
    place: str = ""
    wide: bool = False  # a radar with an outline


def short(title: str) -> str:
    """A title without what it adds in brackets or after a comma: S-300V (9M82), S-300V."""
    return title.split(" (")[0].split(", ")[0]


def apart_m(a: Place, b: Place) -> float:
    """Distance over the ground between two places."""
    return float(great_circle_m([[math.radians(v) for v in a]], [[math.radians(v) for v in b]])[0])


def place_of(thing: Document) -> Place:
    """Where a sensor or a site stands."""
    return thing["lat_deg"], thing["lon_deg"]


def is_wide(radar: Document) -> bool:
    """True where a map has an outline of what the radar covers."""
    return fan(radar, radar["instrumented_range_km"][0]) is not None


def is_of_a_site(saved: Saved, radar: Document) -> bool:
    """True where a radar is that of interceptors of its side: it has a site's name, or stands with one and sees no
    farther than its battery."""
    own = [site for site in saved.about["sites"] if site["side"] == radar["side"]]
    near = any(apart_m(place_of(site), place_of(radar)) < SAME_PLACE_M for site in own)
    return any(site["name"] == radar["name"] for site in own) or (near and not is_wide(radar))


def labels(saved: Saved) -> list[dict[str, Any]]:
    """One label for what stands together, those of wide radars first: side, place as [lon, lat], words."""
    found = []
    for group in together(things(saved)):
        middle = [sum(thing.at[axis] for thing in group) / len(group) for axis in (1, 0)]
        wide = any(thing.wide for thing in group)
        found.append({"side": group[0].side, "at": middle, "words": words(group), "wide": wide})
    return sorted(found, key=lambda label: not label["wide"])


def things(saved: Saved) -> list[Thing]:
    """Radars that stand by themselves, then sites."""
    radars = [sensor for sensor in saved.about["sensors"] if sensor["kind"] == "radar"]
    found = [
        Thing(side=radar["side"], at=place_of(radar), system=short(radar["title"]), wide=is_wide(radar))
        for radar in radars
        if not is_of_a_site(saved, radar)
    ]
    for site in saved.about["sites"]:
        at = place_of(site)
        names = [place["title"] for place in saved.about["raid"]["places"] if apart_m(place_of(place), at) < HERE_M]
        place = short(names[0]) if names else ""
        found.append(Thing(side=site["side"], at=at, system=short(site["title"]), place=place))
    return found


def together(everything: list[Thing]) -> list[list[Thing]]:
    """Things of one side in groups: in a group each is near another."""
    groups: list[list[Thing]] = []
    for thing in everything:
        near = [
            group
            for group in groups
            if group[0].side == thing.side and any(apart_m(thing.at, other.at) < TOGETHER_M for other in group)
        ]
        groups = [group for group in groups if group not in near]
        groups.append([*(other for group in near for other in group), thing])
    return groups


def words(group: list[Thing]) -> str:
    """System and place of one thing; the systems of several, counted: Don-2N, A-135 ×5, S-400 ×2."""
    if len(group) == 1:
        return ", ".join(part for part in (group[0].system, group[0].place) if part)
    counts: dict[str, int] = {}
    for thing in sorted(group, key=lambda thing: not thing.wide):
        counts[thing.system] = counts.get(thing.system, 0) + 1
    return ", ".join(system if count == 1 else f"{system} ×{count}" for system, count in counts.items())
