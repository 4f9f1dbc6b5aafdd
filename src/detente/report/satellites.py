"""Infrared satellites in words: no map of a raid shows them, and much of what a side knows comes from them."""

from detente.report.labels import short
from detente.report.markup import Markup, element
from detente.report.saved import Document, Saved
from detente.report.words import listed, plain

STATIONARY_KM = (42_000.0, 42_300.0)  # semi-major axes of a day's orbit
STRETCHED = 0.3  # eccentricity
EARTH_RADIUS_KM = 6378.137


def satellites(saved: Saved) -> Markup | None:
    """Each side's satellites with their orbits and what they watch; None where there are none."""
    every = [sensor for sensor in saved.about["sensors"] if sensor["kind"] != "radar"]
    if not every:
        return None
    items = []
    for index, side in enumerate(saved.sides):
        own = [sensor for sensor in every if sensor["side"] == index]
        said = "; ".join(_group(group) for group in _alike(own)) if own else "none"
        items.append(element("li", element("strong", side, class_=f"side-{index}"), f": {said}."))
    clouds = [quantity for quantity in saved.about["assumptions"] if quantity["name"].endswith("/cloud_top_km")]
    above = f" ({plain(min(q['low'] for q in clouds))} to {plain(max(q['high'] for q in clouds))} km)" if clouds else ""
    return element(
        "div",
        element(
            "p",
            element("strong", "Infrared satellites"),
            " are too far out for a map of the ground. They see a missile while it burns, from the moment it is above "
            f"the clouds{above}, over the half of the Earth that they face unless it says so here; after burnout they "
            "see nothing.",
        ),
        element("ul", *items),
        class_="satellites",
    )


def _alike(own: list[Document]) -> list[list[Document]]:
    """Satellites that are said alike but for their number or station, in order."""
    groups: dict[tuple[str, str, str], list[Document]] = {}
    for sensor in own:
        orbit = "stationary" if _is_stationary(sensor) else orbit_words(sensor)
        groups.setdefault((short(sensor["title"]), orbit, watch_words(sensor)), []).append(sensor)
    return list(groups.values())


def _group(group: list[Document]) -> str:
    first = group[0]
    name = short(first["title"]) + (f" ×{len(group)}" if len(group) > 1 else "")
    orbit = f"above {listed([station(each) for each in group])}" if _is_stationary(first) else orbit_words(first)
    return f"{name}, {orbit}{watch_words(first)}"


def orbit_words(sensor: Document) -> str:
    """Where a satellite flies: above a longitude, on a stretched orbit, or at a height."""
    if _is_stationary(sensor):
        return f"above {station(sensor)}"
    if sensor["eccentricity"] > STRETCHED:
        return "highly elliptical orbit"
    return f"orbit {plain(round(sensor['semi_major_axis_km'] - EARTH_RADIUS_KM, -1))} km high"


def watch_words(sensor: Document) -> str:
    """The box a satellite watches, where it does not watch all that it faces."""
    if sensor["watch"] is None:
        return ""
    south, north, west, east = sensor["watch"]
    return (
        f", watching only {plain(abs(south))}° {_ns(south)} to {plain(abs(north))}° {_ns(north)}, "
        f"{plain(abs(west))}° {_ew(west)} to {plain(abs(east))}° {_ew(east)}"
    )


def station(sensor: Document) -> str:
    """The longitude under a stationary satellite."""
    longitude = sensor["sub_point_lon_deg"]
    return f"{plain(abs(longitude))}° {_ew(longitude)}"


def _is_stationary(sensor: Document) -> bool:
    low, high = STATIONARY_KM
    return (
        low < sensor["semi_major_axis_km"] < high and sensor["eccentricity"] < 0.1 and sensor["inclination_deg"] < 15.0
    )


def _ns(degrees: float) -> str:
    return "N" if degrees >= 0 else "S"


def _ew(degrees: float) -> str:
    return "E" if degrees >= 0 else "W"
