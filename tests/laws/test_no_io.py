"""Law 3 under an audit hook: a whole chunk of a study opens no file and no socket once its code is compiled."""

import subprocess
import sys
import textwrap

SCRIPT = textwrap.dedent(
    """
    import sys
    import numpy as np
    from detente.scenario.files import load_scenario
    from detente.studies.replicates import fly

    scenario = load_scenario("theatre-2011")
    names = ("alone", "cooperating", "joint")
    fly(scenario, 1, np.arange(1), names, record=False)  # compiles, loads borders
    seen = []
    WATCHED = ("open", "socket.", "subprocess.", "os.", "shutil.", "sqlite3.", "urllib.")
    sys.addaudithook(lambda event, details: seen.append((event, str(details))) if event.startswith(WATCHED) else None)
    fly(scenario, 2, np.arange(1), names, record=False)
    found = list(seen)
    open("/dev/null").close()
    assert len(seen) == len(found) + 1, "the hook is deaf"
    print(found)
    """
)


def test_a_chunk_opens_nothing() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
