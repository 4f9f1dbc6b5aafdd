"""Keys of three sides, made once for all tests of lines."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from detente.gateway.keys import make_keys


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `detente keys` would have made."""
    folder = tmp_path_factory.mktemp("line") / "keys"
    make_keys(folder, ["NATO", "Russia", "Mars"], datetime.now(UTC))
    return folder
