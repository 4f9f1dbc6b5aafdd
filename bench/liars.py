"""The lying-partner table: for each lie, how often and how soon it is found out, and what it costs until then.

Not a matter of speed: it is here because it is measured and not promised. ``python bench/liars.py --json`` for one JSON
document; ``--scenario``, ``--replicates``, ``--seed``; ``--keep FILE`` adds each finished chunk of replicates to a file
and does not fly again what stands there. A stop by hand prints the table of what is finished. Honest partners come
first: what is found out of them is a false alarm; ``--lies none`` flies no others, which is ten times as fast.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from detente.scenario.asked import Scenario
from detente.scenario.files import load_scenario
from detente.studies.lies import LIES
from detente.studies.lying import DAMAGE, HONEST, Deceived, Ended, deceived, ended, fly_lies
from detente.studies.summary import Interval
from detente.world.launches import prepare

WORDS = {
    "false_warnings": "false warnings", "impact_point_error_km": "impact error, km",
    "interceptors_spent": "interceptors", "leakage_fraction": "leakage", "warning_time_s": "warning time, s",
    "own_warning_time_s": "own sensors' warning time, s",
}  # fmt: skip


def said(one: Interval | None) -> str:
    """A paired difference and its 95 % interval."""
    return "–" if one is None else f"{one.mean:+.3g} [{one.low:+.3g}, {one.high:+.3g}]"


def seconds(one: float) -> str:
    """A delay, or that there was none."""
    return f"{one:.0f}" if np.isfinite(one) else "never"


def shown(one: Deceived) -> str:
    """One row, in lines."""
    why = ", ".join(f"{name} {count}" for name, count in one.reasons.items() if count)
    share = "" if one.share is None else f" [{100 * one.share.low:.0f}–{100 * one.share.high:.0f} %]"
    who = f"{one.lie}: {one.liar} to {one.victim}"
    lines = [f"{who}: found out in {one.found_out} of {one.lied}{share} ({why or 'no'})"]
    if one.median_s is not None:
        middle, low, high = (seconds(value) for value in one.median_s)
        lines.append(f"    median delay from the first lie, s: {middle} [{low}, {high}]")
    lines.append(f"    {', '.join(f'{name} {count}' for name, count in one.counts.items())}")
    if one.lie != HONEST:
        for metric in DAMAGE:
            believed, set_aside = said(one.against[metric]), said(one.set_aside[metric])
            lines.append(f"    {WORDS[metric]:<30} believed {believed:<34} set aside {set_aside}")
    lines.append(f"    {'leakage less alone':<30} {said(one.leakage_over_alone)}")
    return "\n".join(lines)


def kept_chunks(file: Path | None, head: dict) -> dict[int, list[Ended]]:
    """Finished chunks by their first replicate. A file of another run is refused; a line cut short is flown again."""
    if file is None or not file.exists():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    if not lines or json.loads(lines[0]) != head:
        sys.exit(f"{file} holds another run: name another file, or ask for the same")
    found = {}
    for line in lines[1:]:
        with suppress(json.JSONDecodeError):
            one = json.loads(line)
            found[one["first"]] = [ended(case) for case in one["cases"]]
    return found


def flown(
    scenario: Scenario, options: argparse.Namespace, lies: tuple[str, ...], done: dict[int, list[Ended]]
) -> Iterator[tuple[int, list[Ended]]]:
    """Chunks that are not done yet, as they finish."""
    launches = prepare(scenario)
    for first in range(0, options.replicates, options.chunk):
        if first not in done:
            rows = np.arange(first, min(first + options.chunk, options.replicates))
            began_s = time.process_time()
            yield first, fly_lies(scenario, options.seed, rows, lies, launches)
            sys.stderr.write(f"replicates {rows[0]} to {rows[-1]}: {time.process_time() - began_s:.0f} s CPU\n")


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="lisbon-2010")
    parser.add_argument("--replicates", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chunk", type=int, default=20, help="replicates that are flown, and kept, together")
    parser.add_argument("--lies", default=",".join(LIES), help=f"which, by commas; {HONEST}: honest partners alone")
    parser.add_argument("--keep", type=Path, help="a file that finished chunks are added to, and read from")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Fly and print."""
    options = asked()
    scenario = load_scenario(options.scenario)
    lies = tuple(name for name in options.lies.split(",") if name != HONEST)
    head = {"scenario": options.scenario, "seed": options.seed, "chunk": options.chunk, "lies": list(lies)}
    done = kept_chunks(options.keep, head)
    if options.keep is not None and not done:
        options.keep.write_text(json.dumps(head) + "\n", encoding="utf-8")
    try:
        for first, cases in flown(scenario, options, lies, done):
            done[first] = cases
            if options.keep is not None:
                with options.keep.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps({"first": first, "cases": [one.document for one in cases]}) + "\n")
    except KeyboardInterrupt:
        sys.stderr.write("stopped: the table of what is finished\n")
    if not done:
        sys.exit("nothing is finished")
    found = deceived(scenario.side_names, [done[first] for first in sorted(done)])
    if options.json:
        print(json.dumps([one.document for one in found], indent=1))
    else:
        print("\n".join(shown(one) for one in found))


if __name__ == "__main__":
    main()
