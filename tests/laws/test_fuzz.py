"""P5, briefly: the fuzz harness runs, and no bytes crash any door. The long run is tests/fuzz/exchange.py itself."""

import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).parents[1] / "fuzz" / "exchange.py"


def test_no_bytes_crash_a_door(tmp_path: Path) -> None:
    command = [sys.executable, str(HARNESS), "--target", "any", "--executions", "3000", "--corpus", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "any: 3000 executions" in done.stdout
    assert list(tmp_path.glob("crash-*")) == []


def test_a_crash_is_a_failure(tmp_path: Path) -> None:
    """Where a refusal counts as a crash the harness fails: it is not deaf."""
    broken = HARNESS.read_text().replace("except (PeerError, InputError):", "except InputError:")
    harness = tmp_path / "exchange.py"
    harness.write_text(broken.replace("HERE = Path(__file__).parent", f"HERE = Path({str(HARNESS.parent)!r})"))
    command = [sys.executable, str(harness), "--target", "forged", "--executions", "50", "--corpus", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "forged: a crash" in done.stderr
    assert len(list(tmp_path.glob("crash-*"))) == 1
