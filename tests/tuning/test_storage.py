from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import NoSuchColumnError

from foveal.errors import DataError, ResourceError, UsageError
from foveal.tuning.storage import opened, reached, rows, shown


def refusal(address: str) -> str:
    with pytest.raises((ResourceError, UsageError)) as caught:
        opened(address, lambda study, trial: None)
    return str(caught.value)


def test_a_database_that_cannot_be_opened_is_named() -> None:
    told = refusal("sqlite:////nowhere/at/all/study.db")
    assert "storage sqlite:////nowhere/at/all/study.db: needed a database" in told
    assert "unable to open database file" in told


def test_what_reaches_a_server_is_named_where_it_is_missing(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    told = refusal("postgresql://me:secret@localhost/studies")
    assert "foveal[postgres]" in told and "secret" not in told


@pytest.mark.parametrize("address", ["no address: secret", "nosuch://me:secret@there/x"])
def test_what_is_no_address_is_refused_and_never_told(address: str) -> None:
    told = refusal(address)
    assert "postgresql://name@machine/database" in told and "secret" not in told


def test_a_study_of_another_version_is_refused_without_a_traceback(tmp_path: Path) -> None:
    place = tmp_path / "study.db"
    opened(f"sqlite:///{place}", lambda study, trial: None)
    with closing(sqlite3.connect(place)) as base, base:
        base.execute("UPDATE alembic_version SET version_num = 'v9.9.9.a'")
    assert "needed a database of this version of optuna" in refusal(f"sqlite:///{place}")


@pytest.mark.parametrize(
    "came", [KeyError("no such row"), TypeError("a list"), AssertionError(), ValueError("{")]
)
def test_what_optuna_cannot_read_is_told_as_damage(came: Exception) -> None:
    told = rf"///s\.db: needed trials as tuning wrote them, got {type(came).__name__}"
    with pytest.raises(DataError, match=told), reached("sqlite:///s.db"), rows():
        raise came


@pytest.mark.parametrize(
    "came",
    [
        KeyError("a fault of our own"),
        ValueError("another"),
        MemoryError(),
        UsageError("said before", needed="", came="", remedy=""),
    ],
)
def test_what_goes_wrong_beside_reading_rows_is_no_damage(came: Exception) -> None:
    with pytest.raises(type(came)) as caught, reached("sqlite:///s.db"):
        raise came
    assert caught.value is came


def test_what_the_database_refuses_is_no_damage_though_it_is_a_key_error() -> None:
    with pytest.raises(ResourceError, match="NoSuchColumnError"), reached("sqlite:///s.db"), rows():
        raise NoSuchColumnError("trials.state")


def test_a_password_is_never_shown() -> None:
    assert shown("postgresql://me:secret@there/studies") == "postgresql://me:***@there/studies"
    assert "secret" not in shown("secret")
