"""A scenario file while its references are followed: what it is laid on, and what there was to complain of so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from detente.geodesy.borders import Borders
from detente.records.errors import InputError
from detente.scenario.asked import ScenarioFile
from detente.scenario.catalogue import Catalogue
from detente.scenario.cities import Cities
from detente.scenario.complaints import did_you_mean
from detente.scenario.located import Located, Path


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """The data sets a scenario is laid on."""

    borders: Borders
    borders_digest: str
    cities: Cities


@dataclass(kw_only=True)
class Resolving:
    """What is being resolved, and what there was to complain of so far."""

    located: Located
    file: ScenarioFile
    catalogue: Catalogue
    ground: Ground
    problems: list[InputError] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)

    def complain(self, path: Path, found: str, expected: str, remedy: str) -> None:
        """Of what the file says at ``path``: what was found, what was expected, what to do."""
        self.problems.append(self.located.problem(path, found, expected, remedy))

    def unknown(self, path: Path, name: str, what: str, known: Sequence[str]) -> None:
        """No such name: say what is near, or where to look."""
        near = did_you_mean(name, known)
        self.complain(
            path,
            f"no {what} called {name!r}",
            f"a name such as `detente catalogue` lists: {_some(known)}",
            near or "name one that is there",
        )


def _some(known: Sequence[str]) -> str:
    return ", ".join(list(known)[:6]) + (" …" if len(known) > 6 else "")
