"""Each test leaves the environment as it was: a worker run in a test's own process goes offline for good."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest


@pytest.fixture(autouse=True)
def same_environment() -> Iterator[None]:
    """Give the environment back as it was, whatever the test or the code it called did to it."""
    with mock.patch.dict(os.environ):
        yield
