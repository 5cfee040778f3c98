"""The database of a study, which optuna reaches by SQLAlchemy: a file of SQLite, or a server."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal.errors import DataError, ResourceError, UsageError, without_extra

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    Gone = Callable[[Study, FrozenTrial], None]

DATABASE = "study.db"
SQLITE = "sqlite:"
BEAT, GRACE = 15, 60
"""Seconds after which a process says again that it is at a trial, and after which nobody is."""
PATIENCE = 60
"""Seconds to wait for a file of SQLite while another process writes into it."""
REMEDY = "check that it can be reached and has room; the same command goes on with the study"


def imported() -> Any:
    """Import optuna, quiet.

    Raises
    ------
    UsageError
        Where it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise without_extra("tuning", "optuna", "tune") from None
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna


def address_in(folder: Path, storage: str | None) -> str:
    """Return the address of a study's database."""
    return storage or f"{SQLITE}///{folder / DATABASE}"


def opened(address: str, gone: Gone) -> Any:
    """Open a database.

    Parameters
    ----------
    address : str
        As SQLAlchemy writes it.
    gone : callable
        Told of a trial that nobody is at any more, once it is failed.

    Raises
    ------
    UsageError
        Where what reaches it is not installed.
    ResourceError
        Where it cannot be opened.
    """
    storages = imported().storages
    from sqlalchemy.exc import ArgumentError

    options = {"connect_args": {"timeout": PATIENCE}} if address.startswith(SQLITE) else {}
    with reached(address), experiments_meant():
        try:
            return storages.RDBStorage(
                address,
                engine_kwargs=options,
                heartbeat_interval=BEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=gone,
            )
        except ImportError as error:
            raise UsageError(
                "storage",
                needed=f"what reaches {shown(address).split(':')[0]}",
                came=_said(error, address),
                remedy="for PostgreSQL: pip install 'foveal[postgres]'",
            ) from None
        except RuntimeError as error:  # tables of another version
            raise UsageError(
                f"storage {shown(address)}",
                needed="a database of this version of optuna, or none yet",
                came=_said(error, address),
                remedy="install the version that began the study, or begin another one",
            ) from None
        except (ValueError, ArgumentError) as error:
            raise UsageError(
                "storage",
                needed="an address such as postgresql://name@machine/database",
                came=_said(error, address),
                remedy="write it so, or leave `storage` out for a file beside the model",
            ) from None


@contextmanager
def experiments_meant() -> Iterator[None]:
    """Keep optuna from warning within of what it calls experimental, and of its own loop."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[hH]eartbeat")
        warnings.filterwarnings("ignore", category=imported().exceptions.ExperimentalWarning)
        yield


class Damaged(ValueError):
    """Rows that no tuning leaves, as after some were changed by hand; `reached` tells of it."""


@contextmanager
def rows() -> Iterator[None]:
    """Hold optuna alone, reading rows: it checks none of them, and fails where one is damaged.

    Raises
    ------
    Damaged
        Where it does.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError:  # the database's own, though some of them are of the types below
        raise
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from error


@contextmanager
def reached(address: str) -> Iterator[None]:
    """Tell in four beats of a database that refuses or is damaged; never with its password.

    Raises
    ------
    ResourceError
        Where it cannot be opened, read, or written to.
    DataError
        Where what is read cannot be what was written.
    """
    optuna = imported()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        raise ResourceError(
            f"storage {shown(address)}",
            needed="a database that can be opened and written to",
            came=_said(cause, address),
            remedy=REMEDY,
        ) from None
    except Damaged as error:
        raise DataError(
            f"storage {shown(address)}",
            needed="trials as tuning wrote them",
            came=_clean(str(error), address),
            remedy="bring back a copy of before, or give the tuned model another name, which "
            "begins another study",
        ) from error


def shown(address: str) -> str:
    """Write an address without its password.

    >>> shown("postgresql://me:secret@there/studies")
    'postgresql://me:***@there/studies'
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(address).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "that is no address"


def _said(error: BaseException, address: str) -> str:
    """Write an error in a line, without address and password."""
    return _clean(f"{type(error).__name__}: {error}", address)


def _clean(text: str, address: str) -> str:
    """Write what was said in a line, without address, password and statement."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    said = " ".join(text.split("[SQL")[0].split("(Background")[0].split())
    try:
        secret = make_url(address).password
    except (ArgumentError, ValueError):
        secret = None
    for one in (address, secret):
        said = said.replace(str(one), "***") if one else said
    return said[:200]
