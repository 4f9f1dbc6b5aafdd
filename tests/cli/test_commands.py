"""The command as a user runs it: exact outputs, exit codes, and words that help."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from detente import __version__
from detente.scenario.asked import ARCHITECTURES
from detente.scenario.files import bundled_text
from detente.studies.metrics import METRIC_NAMES

ROOT = Path(__file__).parents[2]
SIDES = ("NATO", "Russia", "all")


def detente(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "detente", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def study(folder: Path, *words: str) -> str:
    result = detente("study", "theatre-2011", "--seed", "7", "--json", "--quiet", "--out", str(folder), *words)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def many(folder: Path) -> str:
    """A study over two chunks, flown by two workers."""
    return study(folder / "two", "--replicates", "28", "--workers", "2")


def test_one_worker_gives_the_same_bytes_as_two(many: str, folder: Path) -> None:
    assert study(folder / "one", "--replicates", "28", "--workers", "1") == many


def test_the_document_is_whole(many: str) -> None:
    document = json.loads(many)
    assert {name: document[name] for name in ("scenario", "seed", "replicates", "version")} == {
        "scenario": "theatre-2011", "seed": 7, "replicates": 28, "version": __version__,
    }  # fmt: skip
    assert len(document["digest"]) == 64
    assert tuple(document["architectures"]) == tuple(document["differences"]) == ARCHITECTURES
    for part, keys in (("architectures", {"mean", "low", "high", "n"}), ("differences", {"mean", "low", "high"})):
        for sides in document[part].values():
            assert tuple(sides) == SIDES
            for metrics in sides.values():
                assert tuple(metrics) == METRIC_NAMES
                for cell in metrics.values():
                    assert cell is None or (set(cell) == keys and cell["low"] <= cell["mean"] <= cell["high"])


def test_a_study_leaves_what_it_promises(many: str, folder: Path) -> None:
    left = {path.name for path in (folder / "two").iterdir()}
    assert left == {
        "study.json",
        "study.parquet",
        "objects.parquet",
        "about.json",
        "manifest.json",
        "sample",
        "report.html",
    }
    assert json.loads((folder / "two" / "study.json").read_text()) == json.loads(many)
    made = json.loads((folder / "two" / "manifest.json").read_text())
    assert made["seed"] == 7
    assert made["environment"]["packages"]["numba"]


def test_more_replicates_begin_with_the_same_ones_and_run_gives_one_of_them(many: str, folder: Path) -> None:
    import pyarrow.parquet as pq

    study(folder / "five", "--replicates", "5")
    five = pq.read_table(folder / "five" / "study.parquet").to_pandas()
    whole = pq.read_table(folder / "two" / "study.parquet").to_pandas()
    assert five.equals(whole[whole.replicate < 5].reset_index(drop=True))
    of_a_study = detente("agreement", "explain", "lisbon-2011", str(folder / "five"))
    assert of_a_study.returncode == 2
    assert f"name one of its samples, {folder / 'five' / 'sample'}/ARCHITECTURE" in of_a_study.stderr
    sample = detente("agreement", "explain", "lisbon-2011", str(folder / "five" / "sample" / "cooperating"), "--json")
    assert json.loads(sample.stdout)["counts"], sample.stderr
    result = detente(
        "run", "theatre-2011", "--seed", "7", "--replicate", "3", "--architecture", "joint", "--json", "--quiet",
        "--out", str(folder / "run"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    third = whole[(whole.replicate == 3) & (whole.architecture == "joint")]
    for side, metrics in document["metrics"].items():
        for metric, value in metrics.items():
            row = third[(third.side == side) & (third.metric == metric)].iloc[0]
            assert value == (row.value if row.defined else None)
    assert all((folder / "run" / path).is_file() for path in document["tables"].values())
    assert set(document["tables"]) >= {"objects", "truth", "detections", "tracks", "warnings", "shots", "outcomes"}


def test_a_stopped_study_is_resumed(many: str, folder: Path) -> None:
    """Chunks of a study that ended half-way are used, and the result is the same."""
    from detente.scenario.files import load_scenario
    from detente.studies import drivers
    from detente.studies.folder import Store
    from detente.world.launches import prepare

    scenario = load_scenario("theatre-2011")
    out = folder / "stopped"
    out.mkdir()
    store = Store(out, drivers._key(scenario, 7, ARCHITECTURES))
    store.open(resume=False)
    job = drivers.Job(scenario, 7, ARCHITECTURES, prepare(scenario))
    with drivers._crew(job, 1) as crew:
        list(drivers._fly_all(job, 25, crew, store, None))
    assert (out / ".chunks" / "00000000" / "done").is_file()
    assert study(out, "--replicates", "28", "--workers", "1", "--resume") == many
    assert not (out / ".chunks").exists()


BAD = [
    (("study", "lisbon-2010", "--replicates", "0"), "--replicates is 0"),
    (("study", "lisbon-2010", "--workers", "0"), "--workers is 0"),
    (("study", "lisbon-2010", "--architectures", "alone,jiont"), "unknown architecture 'jiont'"),
    (("study", "lisbonne-2010"), "lisbon-2010"),
    (("study", "lisbon-2010", "--set", "tick=5"), "tick_s"),
    (("study", "lisbon-2010", "--out", "/proc/nowhere"), "cannot write into /proc/nowhere"),
    (("run", "lisbon-2010", "--replicate", "-1"), "--replicate is -1"),
    (("run", "lisbon-2010", "--agreement", "three-sides-2011"), "no side of this scenario"),
    (("run", "lisbon-2010", "--architecture", "joint", "--agreement", "lisbon-2011"), "exchanges nothing"),
    (("run", "lisbon-2010", "--architecture", "jiont"), "correct --architecture,"),
    (("run", "lisbon-2010", "--replicate", "99999999999999999999"), "from 0 to 9,999,999"),
    (("study", "lisbon-2010", "--replicates", "1000000000000"), "from 1 to 10,000,000"),
    (("study", "lisbon-2010", "--seed", "18446744073709551616"), "--seed is 18446744073709551616"),
    (("study", "lisbon-2010", "--architectures", ""), "unknown architecture ''"),
    (("catalogue", "missles"), "missiles"),
    (("check", "no-such-file.yaml"), "no-such-file.yaml"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_input_is_named_and_nothing_is_left(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    result = detente(*words, cwd=tmp_path)
    assert result.returncode == 2, result.stdout + result.stderr
    assert said in result.stderr
    assert "expected:" in result.stderr
    assert "to do:" in result.stderr
    assert "Traceback" not in result.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_raid_out_of_reach_leaves_nothing_and_says_where(tmp_path: Path) -> None:
    text = (ROOT / "src/detente/scenario/data/scenarios/theatre-2011.yaml").read_text(encoding="utf-8")
    line = next(k for k, row in enumerate(text.splitlines(), 1) if "missile: shahab-3" in row)
    (tmp_path / "near.yaml").write_text(text.replace("missile: shahab-3", "missile: forden-scud-b"), encoding="utf-8")
    result = detente("study", "near.yaml", "--out", "left", "--quiet", cwd=tmp_path)
    assert result.returncode == 2
    assert f"near.yaml:{line}:" in result.stderr
    assert "km short" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"near.yaml"}


def test_readmes_example_runs_as_a_script(tmp_path: Path) -> None:
    """As a file without a guard, with two workers: they must not run the script again."""
    example = (ROOT / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    example = example.replace("lisbon-2010", "theatre-2011").replace("replicates=20", "replicates=30, workers=2")
    (tmp_path / "example.py").write_text(example.replace('["Russia"]', '["all"]') + "print('once')\n")
    result = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "once\n"


def test_json_on_a_full_device_fails_loudly() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "detente", "scenarios", "--json"]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode != 0


def test_scenarios_catalogue_schema_and_version(tmp_path: Path) -> None:
    listed = json.loads(detente("scenarios", "--json").stdout)
    assert {entry["name"] for entry in listed} == {"lisbon-2010", "lisbon-2020", "theatre-2011", "three-sides"}
    entry = json.loads(detente("catalogue", "radars", "gabala", "--json").stdout)["radars"]["gabala"]
    assert entry["reference_range_km"]["source"]
    assert "Gabala" in detente("catalogue", "radar", "gabala").stdout
    assert "ask for `detente catalogue radars gabala`" in detente("catalogue", "gabala").stderr
    for name in ("lisbon-2010", "lisbon-2011"):
        assert detente("scenarios", name).stdout == bundled_text(name)
    assert "lisbon-2011" in detente("scenarios").stdout
    assert detente("schema", "--out", str(tmp_path)).returncode == 0
    for path in tmp_path.iterdir():
        assert json.loads(path.read_text())["$schema"].startswith("https://json-schema.org/")
    assert detente("--version").stdout.strip() == f"detente {__version__}"
    shown = detente("--help").stdout
    for command in ("study", "run", "check", "scenarios", "catalogue", "schema"):
        assert command in shown
    assert "No guidance" in shown.replace("\n", " ")


def test_help_imports_no_numerics() -> None:
    code = "import sys, detente.cli.app; print(sorted({'numpy', 'numba', 'pyarrow', 'pydantic'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "[]"
