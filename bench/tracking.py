"""How fast, how equal and how good the tracker is: python bench/tracking.py [--json] [--quick] [--only PART …]

Everything printed is measured in this run, on one core, in CPU time; targets stand beside it. The first pass of each
kernel, which may compile it, is not counted.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator

from lines import Line, document, told
from tracking_fusion import fusion
from tracking_impacts import impacts
from tracking_late import late
from tracking_quality import ballistic, quality
from tracking_speed import speed, stone_soup

PARTS: dict[str, Callable[[bool], Iterator[Line]]] = {
    "speed": speed,
    "stone-soup": stone_soup,
    "quality": quality,
    "ballistic": ballistic,
    "impacts": impacts,
    "fusion": fusion,
    "late": late,
}


def main() -> None:
    """Run the parts and print their lines as they are measured."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else")
    parser.add_argument("--quick", action="store_true", help="smaller cases, in about a minute")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    measured = (line for part in asked.only for line in PARTS[part](asked.quick))
    lines = told(measured, quiet=asked.json)
    if asked.json:
        print(json.dumps(document("tracking", lines, asked.quick), indent=1, ensure_ascii=False, allow_nan=False))


if __name__ == "__main__":
    main()
