"""The lying-partner table: for each lie, how often and how soon it is found out, and what it costs until then.

Not a matter of speed: it is here because it is measured and not promised. ``python bench/liars.py --json`` for one JSON
document; ``--scenario``, ``--replicates``, ``--seed``. Honest partners come first: what is found out of them is a false
alarm.
"""

import argparse
import json
import sys

import numpy as np

from detente.scenario.files import load_scenario
from detente.studies.lying import DAMAGE, Deceived, lying
from detente.studies.summary import Interval

WORDS = {
    "false_warnings": "false warnings", "impact_point_error_km": "impact error, km",
    "interceptors_spent": "interceptors", "leakage_fraction": "leakage", "warning_time_s": "warning time, s",
    "own_warning_time_s": "own sensors' warning time, s",
}  # fmt: skip


def said(one: Interval | None) -> str:
    """A paired difference and its 95 % interval."""
    return "–" if one is None else f"{one.mean:+.3g} [{one.low:+.3g}, {one.high:+.3g}]"


def shown(one: Deceived) -> str:
    """One row, in lines."""
    delay = f", median {np.median(one.delay_s):.0f} s after the first lie" if len(one.delay_s) else ""
    why = ", ".join(f"{name} {count}" for name, count in one.reasons.items() if count)
    lines = [
        f"{one.lie}: {one.liar} to {one.victim}: found out in {one.found_out} of {one.lied}{delay} ({why or 'no'})"
    ]
    if one.lie != "none":
        for metric in DAMAGE:
            believed, set_aside = said(one.against[metric]), said(one.set_aside[metric])
            lines.append(f"    {WORDS[metric]:<30} believed {believed:<34} set aside {set_aside}")
    lines.append(f"    {'leakage less alone':<30} {said(one.leakage_over_alone)}")
    return "\n".join(lines)


def main() -> None:
    """Fly and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--scenario", default="lisbon-2010")
    asked.add_argument("--replicates", type=int, default=40)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()

    def tell(done: int, of: int) -> None:
        sys.stderr.write(f"\r{done} of {of} runs{chr(10) if done == of else ''}")

    found = lying(
        load_scenario(options.scenario), replicates=options.replicates, seed=options.seed, progress=tell
    )  # fmt: skip
    if options.json:
        print(json.dumps([one.document for one in found], indent=1))
    else:
        print("\n".join(shown(one) for one in found))


if __name__ == "__main__":
    main()
