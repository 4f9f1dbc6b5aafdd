"""What tables in a terminal say: the right number beside the right words, and a star only where one is due."""

import pytest

from detente.cli.score import _lines
from detente.cli.show import _cell, number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (0, "0"), (0.0, "0"), (1234567.8, "1,234,568"), (999.5, "1,000"), (999.4, "999"), (99.94, "99.9"),
        (99.96, "100"), (9.994, "9.99"), (9.996, "10.0"), (0.0994, "0.099"), (0.0996, "0.10"), (0.00096, "0.001"),
        (0.0009, "0.0009"), (-45.67, "-45.7"),
    ],
)  # fmt: skip
def test_three_digits_that_count(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("replicates", "difference", "shown"),
    [
        (20, (1.0, 3.0), "12.3*"), (20, (-3.0, -1.0), "12.3*"), (20, (0.0, 3.0), "12.3 "), (20, (-3.0, 0.0), "12.3 "),
        (20, (-1.0, 2.0), "12.3 "), (1, (2.0, 2.0), "12.3 "), (20, None, "12.3 "), (2, (1.0, 3.0), "12.3*"),
    ],
)  # fmt: skip
def test_a_star_needs_more_worlds_than_one_and_an_interval_without_zero(replicates, difference, shown):
    ends = None if difference is None else dict(zip(("low", "high"), difference, strict=True))
    document = {
        "replicates": replicates,
        "architectures": {"joint": {"NATO": {"leakage_fraction": {"mean": 12.34}, "track_nees": None}}},
        "differences": {"joint": {"NATO": {"leakage_fraction": ends, "track_nees": None}}},
    }
    assert _cell(document, "joint", "NATO", "leakage_fraction") == shown
    assert _cell(document, "joint", "NATO", "track_nees") == "– "


def errors(position, velocity, nees=None):
    return {"samples": 9, "position_rmse_m": position, "velocity_rmse_m_s": velocity, "nees": nees}


def test_a_score_is_shown_measure_by_measure_with_what_would_be_perfect():
    nees = {
        "mean": 6.2, "ideal": 6, "band_95_of_one": [1.237, 14.449], "inside_band_fraction": 0.94,
        "not_positive_definite": 0,
    }  # fmt: skip
    refused = {"samples": 0, "not_positive_definite": 3}
    document = {
        "moments": 50, "objects": 4, "tracks": 6,
        "gospa": {"mean_m": 11.0, "localisation_m": 12.0, "missed": 0.13, "false": 0.14}, "ospa": {"mean_m": 15.0},
        "siap": {
            "completeness": 0.16, "ambiguity": 1.17, "spuriousness": 0.18, "position_error_m": 19.0,
            "identity_changes": 20, "identity_changes_per_tracked_hour": 21.0, "longest_segment_fraction": 0.22,
        },
        "errors": errors(23.0, 24.0, nees),
        "errors_by_phase": {"coast": errors(25.0, 26.0), "reentry": errors(27.0, 28.0, refused)},
        "bound": {
            "position_ratio": 1.29, "velocity_ratio": 1.30, "unbroken": {"position_ratio": 1.31, "velocity_ratio": None}
        },
    }  # fmt: skip
    assert _lines(document) == [
        ("moments scored", 50, ""), ("objects", 4, ""), ("tracks", 6, ""), ("GOSPA, m", 11.0, "0"),
        ("  of the pairs alone, m", 12.0, "0"), ("  objects missed a moment", 0.13, "0"),
        ("  false tracks a moment", 0.14, "0"), ("OSPA, m", 15.0, "0"), ("SIAP completeness", 0.16, "1"),
        ("SIAP ambiguity", 1.17, "1"), ("SIAP spuriousness", 0.18, "0"), ("SIAP position error, m", 19.0, "0"),
        ("identity changes", 20, "0"), ("longest segment, share of life", 0.22, "1"), ("position RMSE, m", 23.0, "0"),
        ("velocity RMSE, m/s", 24.0, "0"), ("NEES, mean", 6.2, "6"), ("NEES, share in 1.24 – 14.45", 0.94, "0.95"),
        ("coast: position RMSE, m", 25.0, "0"), ("coast: velocity RMSE, m/s", 26.0, "0"),
        ("reentry: position RMSE, m", 27.0, "0"), ("reentry: velocity RMSE, m/s", 28.0, "0"),
        ("reentry: covariances that are none (not positive definite)", 3, "0"),
        ("position RMSE / bound", 1.29, "1"), ("velocity RMSE / bound", 1.30, "1"),
        ("unbroken tracks: position RMSE / bound", 1.31, "1"), ("unbroken tracks: velocity RMSE / bound", None, "1"),
    ]  # fmt: skip
    alone = _lines(document | {"errors_by_phase": {"coast": errors(25.0, 26.0)}, "bound": None})
    assert [line[0] for line in alone[14:]] == [
        "position RMSE, m", "velocity RMSE, m/s", "NEES, mean", "NEES, share in 1.24 – 14.45",
    ]  # fmt: skip
