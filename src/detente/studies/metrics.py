"""What a study measures: the names, units and meanings of every metric, in the order they are printed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One line of the study table."""

    name: str
    unit: str
    about: str
    better: int  # +1 where more is better, -1 where less is, 0 where neither can be said

    @property
    def is_fraction(self) -> bool:
        """True where every replicate's value lies between 0 and 1."""
        return self.name.endswith("_fraction")


METRICS = (
    Metric("warning_time_s", "s", "true impact time minus the first warning naming this side's territory, mean over threatening objects; never warned: 0", 1),
    Metric("own_warning_time_s", "s", "the same from the own-sensor stream alone", 1),
    Metric("useful_warning_time_s", "s", "true impact time minus the first statement, warning or correction, naming this side's territory whose own 95 % ellipse is no longer than 300 km from its middle and whose middle is within 300 km of the true impact, mean over threatening objects; never: 0", 1),
    Metric("false_warnings", "per replicate", "warnings naming this side's territory with no object threatening it", -1),
    Metric("launch_attribution_fraction", "", "threatening objects launched from a country whose launch country is named rightly at first warning; never: 0", 1),
    Metric("launch_point_error_km", "km", "great-circle error at first warning, mean over warned objects, which are not the same under every architecture", -1),
    Metric("impact_point_error_km", "km", "great-circle error at first warning, mean over warned objects, which are not the same under every architecture", -1),
    Metric("track_position_rmse_m", "m", "over coast-phase samples of confirmed tracks matched to truth within 5 km", -1),
    Metric("track_nees", "", "normalised estimation error squared of position and velocity over the same samples; ideal 6", 0),
    Metric("engagement_opportunities", "pairs per object", "(site, object) pairs with a non-empty window as the deciding picture saw it, per threatening object", 1),
    Metric("engagement_margin_s", "s", "true impact time minus the earliest feasible intercept, mean over threatening objects; none: 0", 1),
    Metric("territory_defended_fraction", "", "share of aim points, drawn evenly by area over the territory's ground that the missile reaches, whose object had at least one opportunity", 1),
    Metric("people_defended_fraction", "", "share of aim points, drawn by people over the territory's ground that the missile reaches or aimed at troops, whose object had at least one opportunity", 1),
    Metric("leakage_fraction", "", "threatening objects not intercepted", -1),
    Metric("interceptors_spent", "per replicate", "shots", 0),
    Metric("double_engagements", "per replicate", "objects shot at by two sides without a plan to", -1),
    Metric("released_messages", "per replicate", "messages released to partners", 0),
    Metric("withheld_messages", "per replicate", "messages that no clause, or a clause's condition, kept back", 0),
)  # fmt: skip
METRIC_NAMES = tuple(metric.name for metric in METRICS)
ALL = "all"
"""The column that speaks of every side at once."""
