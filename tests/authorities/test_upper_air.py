"""The air above 86 km against rows of the standard's own printed table that the package's table leaves out.

U.S. Standard Atmosphere, 1976, NASA-TM-X-74335, table I: geometric height in km, density in kg/m3. The package
``ussa1976`` integrates the constituents anew and drifts from these printed rows, by 1.6 % at 150 km and 5 % at 300 km;
the printed table is the standard.
"""

import pytest

from detente.flight.atmosphere import density_kg_m3

BETWEEN = [
    (126.0, 1.171e-8),
    (128.0, 9.717e-9),
    (132.0, 6.904e-9),
    (134.0, 5.897e-9),
    (136.0, 5.074e-9),
    (138.0, 4.396e-9),
    (142.0, 3.358e-9),
    (144.0, 2.958e-9),
    (146.0, 2.618e-9),
    (148.0, 2.326e-9),
    (155.0, 1.585e-9),
    (170.0, 7.815e-10),
    (190.0, 3.581e-10),
    (550.0, 2.384e-13),
    (750.0, 1.788e-14),
    (950.0, 4.453e-15),
]


@pytest.mark.parametrize(("height_km", "density"), BETWEEN)
def test_between_the_rows_of_the_table_the_air_is_the_printed_one(height_km: float, density: float) -> None:
    assert float(density_kg_m3(1e3 * height_km)) == pytest.approx(density, rel=0.004 if height_km < 200.0 else 0.01)
