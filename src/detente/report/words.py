"""Numbers and names as people read them: units, digits, labels, and what a difference amounts to."""

from collections.abc import Sequence
from dataclasses import dataclass

from detente.report.saved import ALL, Document, Saved

MINUS, DASH = "\u2212", "\u2013"
NARROW = "\u00a0"  # between a number and its unit: they stay on one line
LABELS = {
    "warning_time_s": "Warning time",
    "own_warning_time_s": "of this, by own sensors alone",
    "useful_warning_time_s": "of this, pointing rightly to 300 km",
    "false_warnings": "False warnings",
    "launch_attribution_fraction": "Launch country named rightly",
    "launch_point_error_km": "Launch point error",
    "impact_point_error_km": "Impact point error",
    "track_position_rmse_m": "Track position error (RMS)",
    "track_nees": "Track consistency (NEES, ideal 6)",
    "engagement_opportunities": "Opportunities to engage",
    "engagement_margin_s": "Margin at first possible intercept",
    "territory_defended_fraction": "Territory defended",
    "people_defended_fraction": "People defended",
    "leakage_fraction": "Leakage",
    "interceptors_spent": "Interceptors spent",
    "double_engagements": "Double engagements",
    "released_messages": "Messages released",
    "withheld_messages": "Messages withheld",
}
GROUPS = (
    ("Warning", ("warning_time_s", "own_warning_time_s", "useful_warning_time_s", "false_warnings")),
    ("Where from, where to", ("launch_attribution_fraction", "launch_point_error_km", "impact_point_error_km")),
    ("Tracks", ("track_position_rmse_m", "track_nees")),
    (
        "Defence",
        (
            "engagement_opportunities",
            "engagement_margin_s",
            "territory_defended_fraction",
            "people_defended_fraction",
            "leakage_fraction",
            "interceptors_spent",
            "double_engagements",
        ),
    ),
    ("Exchange", ("released_messages", "withheld_messages")),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How one metric is written on the whole page: factor, digits, unit of a value and of a difference."""

    factor: float
    digits: int
    unit: str
    difference_unit: str

    def number(self, value: float) -> str:
        """A value without its unit."""
        return decimal(value * self.factor, self.digits)

    def with_unit(self, value: float) -> str:
        """A value and its unit, kept on one line."""
        return f"{self.number(value)}{NARROW}{self.unit}"

    def signed(self, value: float) -> str:
        """A difference without its unit: always with its sign, and with more digits where it would round to nothing."""
        scaled = abs(value) * self.factor
        finer = next((d for d in range(self.digits, self.digits + 3) if scaled >= 0.5 * 10.0**-d), self.digits)
        shown = decimal(value * self.factor, finer)
        return shown if shown.startswith(MINUS) or not float(shown.replace(",", "")) else f"+{shown}"


def decimal(value: float, digits: int) -> str:
    """A number with grouped thousands and a true minus; what rounds to nothing is 0 without a sign."""
    shown = f"{abs(value):,.{digits}f}"
    if not float(shown.replace(",", "")):
        return "0"
    return f"{MINUS}{shown}" if value < 0 else shown


def plain(value: float) -> str:
    """Any number from a file: up to four significant digits, never in powers of ten unless tiny or vast."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e7 or size < 1e-3:
        mantissa, _, power = f"{value:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')} × 10^{int(power)}".replace("-", MINUS)
    shown = f"{value:,.{0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 4}f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown).replace("-", MINUS)


def scales(saved: Saved) -> dict[str, Scale]:
    """One scale a metric, chosen from the largest number the page will show."""
    return {metric["name"]: _scale(metric, _largest(saved, metric["name"])) for metric in saved.metrics}


def _largest(saved: Saved, metric: str) -> float:
    sizes = [0.0]
    for architecture in saved.architectures:
        for side in (*saved.sides, ALL):
            cell = saved.cell(architecture, side, metric)
            if cell is not None:
                sizes.append(abs(cell["mean"]))
    return max(sizes)


def _scale(metric: Document, largest: float) -> Scale:
    if metric["is_fraction"]:
        return Scale(factor=100.0, digits=1, unit="%", difference_unit="points")
    unit = metric["unit"]
    if unit == "s" and largest >= 120.0:
        return Scale(factor=1.0 / 60.0, digits=1, unit="min", difference_unit="min")
    if unit == "m" and largest >= 2000.0:
        return Scale(factor=1e-3, digits=_digits(largest / 1e3), unit="km", difference_unit="km")
    return Scale(factor=1.0, digits=_digits(largest), unit=unit, difference_unit=unit)


def _digits(largest: float) -> int:
    return 0 if largest >= 100.0 else 1 if largest >= 10.0 else 2


def label(metric: str) -> str:
    """What a metric is called on the page."""
    return LABELS.get(metric, metric.replace("_", " "))


def grouped(metrics: Sequence[Document]) -> list[tuple[str, list[Document]]]:
    """The metrics under their headings; one that no heading names comes last."""
    by_name = {metric["name"]: metric for metric in metrics}
    found = [(title, [by_name.pop(name) for name in names if name in by_name]) for title, names in GROUPS]
    return [(title, rows) for title, rows in (*found, ("Further", list(by_name.values()))) if rows]


def possible(metric: Document, ends: Sequence[float]) -> tuple[float, float]:
    """An interval cut to what the quantity can be: shares lie between 0 and 1, all else is 0 or more."""
    low, high = (max(end, 0.0) for end in ends)
    return (min(low, 1.0), min(high, 1.0)) if metric["is_fraction"] else (low, high)


def shown_interval(metric: Document, cell: Document, scale: Scale) -> str:
    """The 95 % interval of a mean as the page shows it: a dash where one world gave it."""
    if cell["n"] < 2:
        return DASH
    if cell["low"] == cell["high"]:
        return "in every world"
    low, high = possible(metric, (cell["low"], cell["high"]))
    return f"{scale.number(low)} to {scale.number(high)}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the study can say of one difference to ``alone``: better, worse, other, none, unclear, single or missing.

    ``single`` is a difference seen in one world only, which has no interval.
    """

    kind: str
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0


def verdict(saved: Saved, architecture: str, side: str, metric: Document) -> Verdict:
    """The difference to ``alone`` judged by its 95 % interval, and by which way is better."""
    name = metric["name"]
    found = saved.difference(architecture, side, name)
    cell = saved.cell(architecture, side, name)
    if found is None or cell is None:
        return Verdict(kind="missing")
    mean, low, high = found["mean"], found["low"], found["high"]
    single = low == high and saved.pairs(architecture, side, name) < 2
    if metric["is_fraction"]:
        low, high = max(low, -1.0), min(high, 1.0)
    return judged(mean, low, high, single=single, better=metric["better"])


def judged(mean: float, low: float, high: float, *, single: bool, better: int) -> Verdict:
    """A difference and its 95 % interval judged; ``single`` where one world gave it, ``better`` as metrics have it."""
    if single:
        kind = "single"
    elif mean == low == high == 0.0:
        kind = "none"
    elif low <= 0.0 <= high:
        kind = "unclear"
    else:
        way = better * (1 if mean > 0 else -1)
        kind = "better" if way > 0 else "worse" if way < 0 else "other"
    return Verdict(kind=kind, mean=mean, low=low, high=high)


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names as a sentence has them: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else "none"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A count with its noun."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
