"""The bundled files as text, to be spoilt line by line."""

from pathlib import Path

SCENARIOS = Path(__file__).parents[2] / "src/detente/scenario/data/scenarios"
LISBON = (SCENARIOS / "lisbon-2010.yaml").read_text(encoding="utf-8")
AGREEMENT = (SCENARIOS.parent / "agreements/lisbon-2011.yaml").read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    """The line, from 1, in which a part of a text begins."""
    return text[: text.index(part)].count("\n") + 1
