"""One process that inspects, for all tests of this room."""

from collections.abc import Iterator

import pytest

from tests.checkpoints.confined import Inspections


@pytest.fixture(scope="session")
def inspections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inspections]:
    made = Inspections(tmp_path_factory.mktemp("home"))
    yield made
    made.close()
