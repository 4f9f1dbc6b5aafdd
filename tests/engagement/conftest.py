"""What these tests build with."""

from types import SimpleNamespace

import pytest
from tests import made_engagement as making


@pytest.fixture(scope="session")
def made():
    """Sites, lines, pictures and plans made by hand."""
    return SimpleNamespace(
        quantity=making.quantity, interceptor=making.interceptor, terminal=making.terminal, site=making.site,
        scenario=making.scenario, line=making.line, empty=making.EMPTY, picture=making.picture, rules=making.rules,
        once=making.once, beta=making.BETA_KG_M2,
    )  # fmt: skip
