"""What a user can get wrong before a side's process may start: clear words, exit code 2, nothing overwritten."""

import json
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.gateway.made_gateway import world
from typer.testing import CliRunner

from detente.centre.exchange.signature import sign
from detente.cli.app import app
from detente.exercise.layout import lay_out
from detente.gateway.config import read_config, validated
from detente.gateway.files import located_file
from detente.gateway.keys import make_keys, only_issuer, read_signing_key
from detente.gateway.logic.records import Kept
from detente.gateway.prepare import prepare
from detente.gateway.signatures import write_signatures
from detente.gateway.sqlite_store import SqliteStore
from detente.records.errors import InputError
from detente.records.stages import Detections
from detente.scenario.agreement import Agreement
from detente.scenario.files import load_agreement, load_scenario

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("laid")
    lay_out(folder, load_scenario("theatre-2011"), load_agreement("lisbon-2011"), origin=NOW, rate=1.0)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "laid"))


def edited(folder: Path, edit: Callable[[dict], object]) -> None:
    path = folder / "NATO.yaml"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document, indent=1))


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file, and what is in it."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused(folder: Path) -> str:
    """What `detente serve` says of a configuration that it does not start with; no file changes, and none comes."""
    before = contents(folder)
    result = CliRunner().invoke(app, ["serve", str(folder / "NATO.yaml")])
    assert result.exit_code == 2, result.output
    assert contents(folder) == before, "nothing is overwritten, and no store is left behind"
    for part in ("error: ", "expected: ", "to do: "):
        assert part in result.output
    return result.output


def test_a_missing_key(folder: Path) -> None:
    edited(folder, lambda document: document.pop("clock"))
    said = refused(folder)
    assert "NATO.yaml:1:1: no 'clock'" in said


def test_a_key_that_is_not_known(folder: Path) -> None:
    edited(folder, lambda document: document["feed"].update(lisen="127.0.0.1:1"))
    said = refused(folder)
    assert "unknown key 'lisen'" in said
    assert "did you mean 'listen'" in said


def test_a_key_file_that_is_missing(folder: Path) -> None:
    (folder / "keys/NATO/signing.key").unlink()
    said = refused(folder)
    assert "signing.key: a file that cannot be read" in said
    assert re.search(r"NATO\.yaml:\d+:\d+: keys\.signing: ", said), "where it is named"


@pytest.mark.parametrize("content", ["0123456789abcdef", "0x" + "12" * 31, "", "key"])
def test_a_secret_of_the_wrong_length(folder: Path, content: str) -> None:
    """Also one of sixteen digits, which earlier versions made."""
    (folder / "keys/NATO/offsets.secret").write_text(content)
    said = refused(folder)
    assert "offsets.secret: something else" in said
    assert "64 hexadecimal digits" in said


@pytest.mark.parametrize("where", ["feed", "health"])
def test_a_feed_or_health_address_that_others_can_reach(folder: Path, where: str) -> None:
    edited(folder, lambda document: document.update(
        {"health": "0.0.0.0:7000"} if where == "health" else {"feed": {"listen": "0.0.0.0:7000"}}
    ))  # fmt: skip
    assert "an address on this machine" in refused(folder)


@pytest.mark.parametrize(("origin", "rate"), [("2000-01-01T00:00:00Z", 1000.0), ("2500-01-01T00:00:00Z", 1000.0)])
def test_a_clock_that_runs_out_of_the_calendar(folder: Path, origin: str, rate: float) -> None:
    """Far from its origin a fast clock is tens of thousands of years away: no date says when."""
    edited(folder, lambda document: document["clock"].update(origin=origin, rate=rate))
    said = refused(folder)
    assert "NATO.yaml:" in said
    assert "years from its epoch" in said


@pytest.mark.parametrize("host", ["alpha..nato.int", "a" * 70 + ".int"])
@pytest.mark.parametrize("way", ["listen", "connect"])
def test_a_host_that_cannot_be_looked_up(folder: Path, host: str, way: str) -> None:
    def elsewhere(document: dict) -> None:
        partner = {name: value for name, value in document["partners"][0].items() if name not in ("listen", "connect")}
        document["partners"] = [partner | {way: f"{host}:7001"}]

    edited(folder, elsewhere)
    said = refused(folder)
    assert f"partners.0.{way}" in said
    assert "an address such as 127.0.0.1:7001" in said


def test_a_bundled_agreement_is_named_as_everywhere(folder: Path) -> None:
    """No file of that name need be there; signatures are of what it says."""
    (folder / "agreement.yaml").unlink()
    edited(folder, lambda document: document.update(agreement="lisbon-2011"))
    gateway = prepare(read_config(folder / "NATO.yaml")).gateway
    assert gateway.setting.agreement == load_agreement("lisbon-2011")
    edited(folder, lambda document: document.update(agreement="lisbon-2012"))
    assert "lisbon-2012" in refused(folder)


def test_an_expired_agreement(folder: Path) -> None:
    edited(folder, lambda document: document["clock"].update(origin=(NOW - timedelta(days=400 * 365)).isoformat()))
    said = refused(folder)
    assert "which ended" in said
    assert "have all parties sign a renewed one" in said


def test_a_half_signed_agreement(folder: Path) -> None:
    path = folder / "agreement.signatures.json"
    document = json.loads(path.read_text())
    document["signatures"].pop()
    path.write_text(json.dumps(document))
    said = refused(folder)
    assert "Russia has not signed" in said
    assert re.search(r"NATO\.yaml:\d+:\d+: signatures: ", said)


def test_an_agreement_changed_after_it_was_signed(folder: Path) -> None:
    path = folder / "agreement.yaml"
    document = json.loads(path.read_text())
    document["title"] = "another"
    path.write_text(json.dumps(document))
    assert "signed another text" in refused(folder)


def test_a_certificate_of_the_wrong_party(folder: Path) -> None:
    edited(folder, lambda document: document["keys"].update(
        tls_key="keys/Russia/tls.key", tls_certificate="keys/Russia/tls.pem"
    ))  # fmt: skip
    assert "a certificate of 'Russia'" in refused(folder)


def test_our_own_authority_in_place_of_the_partners(folder: Path) -> None:
    """Else the line would never stand, and nobody would say why. Over NATS both authorities are in one file."""
    ours, theirs = (folder / f"keys/public/{name}/authority.pem" for name in ("NATO", "Russia"))
    edited(folder, lambda document: document["partners"][0].update(authority="keys/public/NATO/authority.pem"))
    said = refused(folder)
    assert re.search(r"NATO\.yaml:\d+:\d+: partners\.0\.authority: the authority that issued NATO's own", said)
    assert not only_issuer(folder / "keys/NATO/tls.pem", theirs)
    both = folder / "authorities.pem"
    both.write_bytes(ours.read_bytes() + theirs.read_bytes())
    assert not only_issuer(folder / "keys/NATO/tls.pem", both)
    both.write_text("no certificate")
    with pytest.raises(InputError, match="something else"):
        only_issuer(folder / "keys/NATO/tls.pem", both)


def test_the_state_of_a_sensor_that_is_not_ours(folder: Path) -> None:
    edited(folder, lambda document: document.update(sensors={"gabala": "down"}))
    assert re.search(r"NATO\.yaml:\d+:\d+: sensors\.gabala: the state of sensor 'gabala'", refused(folder))


def test_an_agreement_that_does_not_fit_the_theatre(folder: Path) -> None:
    """What only the theatre shows to be wrong is told with the agreement's own line."""
    agreement = load_agreement("three-sides-2011")
    keys = {name: read_signing_key(folder / f"keys/{name}/signing.key") for name in ("NATO", "Russia")}
    model = agreement.model_dump(mode="json") | {"parties": ["NATO", "Russia"], "clauses": [
        {"name": "c", "data": "track", "giver": "NATO", "receiver": "Russia", "coarsen": {"grid_km": 5.0}}
    ]}  # fmt: skip
    (folder / "odd.yaml").write_text(json.dumps(model, indent=1))
    odd = validated(located_file(folder / "odd.yaml"), Agreement)
    write_signatures(folder / "odd.json", odd, [sign(odd, name, key) for name, key in keys.items()])
    edited(folder, lambda document: document.update(agreement="odd.yaml", signatures="odd.json"))
    assert re.search(r"odd\.yaml:\d+:\d+: clauses\.0\.coarsen\.grid_km: clause 'c' coarsens", refused(folder))


def test_a_certificate_and_another_key(folder: Path) -> None:
    edited(folder, lambda document: document["keys"].update(tls_key="keys/Russia/tls.key"))
    assert "certificate and key that do not fit" in refused(folder)


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("where", ["health", "feed", "partners"])
def test_a_busy_port(folder: Path, where: str, begun: bool) -> None:
    """Also beside a store that is there: a start that is refused writes nothing into it."""
    if begun:
        ready = prepare(read_config(folder / "NATO.yaml"))
        SqliteStore(folder / "NATO.store", "NATO", epoch=3, exercise=ready.exercise).close()
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        address = f"127.0.0.1:{port}"
        edited(folder, lambda document: {
            "health": lambda: document.update(health=address), "feed": lambda: document["feed"].update(listen=address),
            "partners": lambda: document["partners"][0].update(listen=address),
        }[where]())  # fmt: skip
        said = refused(folder)
    assert f"127.0.0.1:{port} cannot be listened on" in said
    assert "stop what holds the port" in said


def stored(folder: Path, entries: int = 0) -> Path:
    """A sound store with something in it; ``entries`` is how long it says that its ledger is."""
    path = folder / "NATO.store"
    exercise = prepare(read_config(folder / "NATO.yaml")).exercise
    store = SqliteStore(path, "NATO", epoch=3, exercise=exercise)
    document = {"tip": [entries, [], "00" * 32]}
    store.commit([Kept(partner="Russia", document=json.dumps(document))])
    store.close()
    return path


def test_the_store_of_another_side(folder: Path) -> None:
    path = folder / "NATO.store"
    SqliteStore(path, "Russia", epoch=3).close()
    before = path.read_bytes()
    assert "the store of Russia" in refused(folder)
    assert path.read_bytes() == before


def test_a_store_of_another_version(folder: Path) -> None:
    path = stored(folder)
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA user_version = 99")
    base.close()
    before = path.read_bytes()
    assert "a store of version 99" in refused(folder)
    assert path.read_bytes() == before


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_truncated_store(folder: Path, share: float) -> None:
    path = stored(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    before = path.read_bytes()
    assert "damaged or truncated" in refused(folder)
    assert path.read_bytes() == before


def test_a_store_whose_ledger_lost_entries(folder: Path) -> None:
    stored(folder, entries=5)
    assert "0 ledger entries for Russia where there were 5" in refused(folder)


def test_a_file_that_is_no_store(folder: Path) -> None:
    (folder / "NATO.store").write_text("dear diary" * 100)
    assert "damaged or truncated" in refused(folder)
    with sqlite3.connect(folder / "other.db") as base:
        base.execute("CREATE TABLE diary (day)")
    base.close()
    shutil.move(folder / "other.db", folder / "NATO.store")
    assert "a file that is no store of a gateway" in refused(folder)


def test_a_store_that_another_process_holds(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s", "NATO", epoch=1)
    with pytest.raises(InputError, match="another process holds"):
        SqliteStore(tmp_path / "s", "NATO", epoch=1)
    store.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda table: table.slice(0, 40), "a gap of"),
        (lambda table: table.drop_columns(["azimuth_rad"]), "not a detections table"),
        (lambda table: table.set_column(5, "azimuth_rad", [[float("nan")] * len(table)]), "azimuth_rad is not finite"),
        (lambda table: table.set_column(2, "sensor", [[900] * len(table)]), "a sensor that is not in the theatre"),
    ],
)
def test_a_detection_file_with_gaps(folder: Path, spoil: Callable, said: str) -> None:
    played = world()
    table: Detections = played.detections.take(played.theatre.suite.side[played.detections.sensor] == 0)
    pq.write_table(spoil(table.to_arrow()), folder / "d.parquet")
    edited(folder, lambda document: document.update(feed={"file": "d.parquet", "gap_s": 5.0}))
    assert said in refused(folder)


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["keys", str(tmp_path)]).exit_code == 0
    before = (tmp_path / "NATO/signing.key").read_bytes()
    result = runner.invoke(app, ["keys", str(tmp_path)])
    assert result.exit_code == 2
    assert "exists already" in result.output
    assert (tmp_path / "NATO/signing.key").read_bytes() == before
    with pytest.raises(InputError, match="exists already"):
        make_keys(tmp_path, ["Russia"], NOW)


def test_a_store_that_was_refused_is_let_go(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "s", "Russia", epoch=1).close()
    with pytest.raises(InputError, match="the store of Russia"):
        SqliteStore(tmp_path / "s", "NATO", epoch=1)
    SqliteStore(tmp_path / "s", "Russia", epoch=1).close()
