"""What stands beside the numbers of a study made by hand: sides, sensors, raid, sources. Nothing is true."""

from datetime import date

from detente.geodesy.borders import load_borders
from detente.geodesy.outline import country_outline
from detente.studies.architectures import BY_NAME
from detente.studies.metrics import METRICS

SIDES = ("NATO", "Russia")
NAMES = tuple(BY_NAME)


def made_about(title, envelopes, names):
    """What stands beside the numbers, with the keys that a study writes."""
    day = date(2010, 12, 1)
    borders = load_borders("50m")
    west = [ring for code in ("DEU", "POL", "ROU", "TUR") for ring in country_outline(borders, code, day, 0.1)]
    east = [[[lon, lat] for lon, lat in ((33, 52), (37, 45), (47, 42), (60, 50), (60, 66), (28, 66), (28, 60))]]
    return {
        "name": "made-up",
        "title": title,
        "about": "Invented numbers, to look at the page.",
        "notes": "Nothing.",
        "epoch": "2010-12-01T06:00:00+00:00",
        "duration_s": 2400.0,
        "threat_view": None,
        "sides": [
            _about_side("NATO", "NATO in part", [ring[:-1] for ring in west], ["DEU", "POL", "ROU", "TUR"]),
            _about_side("Russia", "Russia in part", east, ["RUS"]),
        ],
        "sensors": _about_sensors(),
        "sites": [
            _about_site("western-site", 0, "ROU", 44.0, 24.4),
            _about_site("eastern-site", 1, "RUS", 55.9, 37.9),
        ],
        "raid": {
            "waves": [{"name": "only", "at_s": 0.0, "count": 24}],
            "missiles": [{"name": "made-missile", "title": "A made-up missile"}],
            "places": [
                {"name": "tabriz", "title": "Tabriz", "lat_deg": 38.08, "lon_deg": 46.30},
                {"name": "urmia", "title": "Urmia", "lat_deg": 37.55, "lon_deg": 45.07},
            ],
            "notes": "",
        },
        "architectures": [
            {"name": name, "meaning": BY_NAME[name].meaning, "agreement": _agreement(name)} for name in names
        ],
        "architecture_index": list(NAMES),
        "metrics": [
            {"name": m.name, "unit": m.unit, "about": m.about, "better": m.better, "is_fraction": m.is_fraction}
            for m in METRICS
        ],
        "envelopes": envelopes,
        "assumptions": _about_assumptions(),
        "simplifications": [{"room": "world", "what": "No weather.", "effect": "Not measured."}],
    }


def _about_sensors():
    return [
        _radar("western-radar", 0, "POL", 52.0, 21.0, 150.0, 120.0, 3000.0),
        _radar("eastern-radar", 1, "RUS", 45.0, 41.0, 180.0, 110.0, 4000.0),
        _radar("western-battery", 0, "TUR", 38.0, 35.0, 90.0, 90.0, 150.0),
        {
            "name": "eastern-eye",
            "side": 1,
            "owner": "RUS",
            "kind": "satellite",
            "title": "A satellite",
            "source": "assumption (made up)",
            "notes": "",
            "sub_point_lon_deg": 80.0,
            "semi_major_axis_km": 42164.2,
            "eccentricity": 0.0,
            "inclination_deg": 0.0,
            "watch": None,
        },
    ]


def _about_assumptions():
    return [
        _quantity("sensor/western-radar/instrumented_range_km", 3000.0, 2500.0, 4000.0, "assumption (made up)"),
        _quantity("sensor/eastern-radar/instrumented_range_km", 4000.0, 3000.0, 6000.0, "a yearbook, p. 12"),
        _quantity("sensor/eastern-radar/false_alarm_probability", 1e-6, 1e-7, 1e-5, "assumption (made up)"),
        _quantity("site/western-site/stock", 24.0, 24.0, 24.0, "assumption (12 to 48)") | {"confidence": None},
    ]


def _about_side(name, title, territory, countries):
    return {
        "name": name,
        "title": title,
        "area_km2": 1.5e6,
        "people_in_cities": 8e7,
        "doctrine": {
            "mode": "shoot-look-shoot",
            "salvo": 1,
            "shots_max": 4,
            "look_s": 15.0,
            "threat_probability": 0.5,
            "reserve_fraction": 0.5,
            "source": "assumption (made up; salvo 1 to 2)",
        },
        "territory": territory,
        "sector": None,
        "countries": countries,
    }


def _radar(name, side, owner, lat, lon, boresight, width, reach):
    return {
        "name": name,
        "side": side,
        "owner": owner,
        "kind": "radar",
        "title": f"The {name}",
        "source": "made up",
        "notes": "",
        "lat_deg": lat,
        "lon_deg": lon,
        "boresight_azimuth_deg": boresight,
        "sector_width_deg": width,
        "elevation_min_deg": 2.0,
        "reference_range_km": [reach / 2, reach / 3, reach],
        "instrumented_range_km": [reach, 0.5 * reach, 1.5 * reach],
    }


def _about_site(name, side, owner, lat, lon):
    return {
        "name": name,
        "side": side,
        "owner": owner,
        "interceptor": "made",
        "title": "A made interceptor",
        "lat_deg": lat,
        "lon_deg": lon,
        "stock": 24,
        "stock_source": "assumption (12 to 48)",
        "defends_own_radius_km": None if side else 30.0,
        "range_max_km": [60.0, 40.0, 90.0],
    }


def _quantity(name, value, low, high, source):
    return {"name": name, "value": value, "low": low, "high": high, "source": source, "confidence": "low"}


def _agreement(name):
    if name in ("alone", "joint"):
        return None
    clauses = [
        {
            "name": f"{giver.lower()}-{data}",
            "data": data,
            "giver": giver,
            "receiver": receiver,
            "owners_withheld": ["TUR"] if giver == "NATO" else [],
            "delay_s": 0.0,
            "every_s": 10.0,
            "onward": False,
            "when": {"impact_in": "receiver", "impact_probability": 0.5, "phases": ["coast"]},
            "coarsen": {"sigma_position_m": 0.0, "sigma_velocity_m_s": 0.0, "grid_km": 50.0, "time_s": 10.0},
            "label": "EXERCISE RELEASABLE",
        }
        for giver, receiver in (SIDES, SIDES[::-1])
        for data in ("launch-warning", "track")
    ]
    return {
        "name": f"made-{name}",
        "title": "Made up",
        "source": "nobody",
        "parties": list(SIDES),
        "clauses": clauses,
        "valid": {"start": "2010-11-20T00:00:00Z", "end": "2050-01-01T00:00:00Z"},
        "notes": "",
    }
