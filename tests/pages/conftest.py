"""One browser for all tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.browser import started


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with started() as found:
        yield found
