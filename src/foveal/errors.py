"""Every error Foveal raises on purpose, and the exit code it gives the command.

    FovealError                       1
    ├── UsageError (ValueError)       2   a parameter, an option, a way of calling
    │   └── NetworkError              2   a network that cannot work; carries its repairs
    ├── DataError (ValueError)        3   pictures, labels, tables
    ├── ModelFileError (ValueError)   4   a model file
    ├── ResourceError (OSError)       5   disk or memory
    ├── DivergedError (ArithmeticError) 1 the loss is no longer a number
    └── Interrupted                 130   stopped on request, with a checkpoint

A message has four beats: what it is about, what was needed, what came, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class FovealError(Exception):
    """Base of all errors that a user can cause.

    Parameters
    ----------
    what : str
        The parameter, file or layer it is about.
    needed : str
        What was needed there.
    came : str
        What came instead.
    remedy : str
        What to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, needed: str, came: str, remedy: str) -> None:
        self.what, self.needed, self.came, self.remedy = what, needed, came, remedy
        super().__init__(f"{what}: needed {needed}, got {came}. {_sentence(remedy)}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not survive a process boundary by themselves.
        return _rebuild, (type(self), self.beats)

    @property
    def beats(self) -> dict[str, object]:
        """The four beats by name."""
        names = ("what", "needed", "came", "remedy")
        return {name: getattr(self, name) for name in names}


class UsageError(FovealError, ValueError):
    """A parameter, an option or a way of calling that cannot work."""

    exit_code = 2


def without_extra(what: str, needed: str, extra: str) -> UsageError:
    """Make the error of what needs an extra that is not installed.

    Parameters
    ----------
    what : str
        What was asked for.
    needed : str
        The packages.
    extra : str
        The extra of Foveal that brings them.
    """
    remedy = f"install it with: pip install 'foveal[{extra}]'"
    return UsageError(what, needed=needed, came="a Python without", remedy=remedy)


class NetworkError(UsageError):
    """A network that cannot work.

    Attributes
    ----------
    layer : int or None
        Number of the offending layer, counted from 1 as in the plan, or in the text that the
        error names.
    repairs : tuple of str
        Ways to mend it, nearest first; each of them was planned and works.
    """

    def __init__(
        self,
        what: str,
        *,
        needed: str,
        came: str,
        remedy: str,
        layer: int | None = None,
        repairs: Sequence[str] = (),
    ) -> None:
        super().__init__(what, needed=needed, came=came, remedy=remedy)
        self.layer = layer
        self.repairs = tuple(repairs)

    def __reduce__(self) -> tuple[object, ...]:
        more = {"layer": self.layer, "repairs": self.repairs}
        return _rebuild, (type(self), {**self.beats, **more})


class DataError(FovealError, ValueError):
    """Pictures, labels or tables that cannot be used."""

    exit_code = 3


class ModelFileError(FovealError, ValueError):
    """A model file that is damaged, foreign, or of another version."""

    exit_code = 4


class ResourceError(FovealError, OSError):
    """The disk or the memory does not suffice."""

    exit_code = 5


class DivergedError(FovealError, ArithmeticError):
    """The training loss is no longer a finite number."""


class Interrupted(FovealError):
    """Stopped on request; a checkpoint was written where there was something to keep."""

    exit_code = 130


class PictureWarning(UserWarning):
    """Something that a reader should know of how pictures were read; no error."""


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def _rebuild(cls: type[FovealError], beats: dict[str, object]) -> FovealError:
    return cls(**beats)  # type: ignore[arg-type]
