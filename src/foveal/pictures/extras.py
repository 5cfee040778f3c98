"""Formats of pictures that an extra reads: known by their first bytes, loaded when one is met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

HEAD = 132
"""Bytes of a file by which its format is known."""
BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of HEIF with pictures in HEVC (ISO 23008-12, annex B)."""
CODESTREAM, CONTAINER = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
"""How a JPEG XL begins (ISO 18181-2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A format that is read where an extra is installed."""

    format: str
    """Name under which Pillow knows it then."""
    title: str
    """Name that a person knows."""
    name: str
    """The extra."""
    distribution: str
    """What the extra installs."""
    endings: tuple[str, ...]
    """Endings of names."""
    begins: Callable[[bytes], bool]
    """Whether a file that starts with these bytes is one."""
    load: Callable[[], None]
    """Lets Pillow read it."""
    helpers: tuple[str, ...] = ()
    """What reads more of its files, where it is installed beside."""

    @property
    def installed(self) -> tuple[str, ...]:
        """What is installed of it, with versions."""
        return tuple(
            f"{name} {number}"
            for name in (self.distribution, *self.helpers)
            if (number := _version(name))
        )

    @property
    def missing(self) -> str:
        """Why a file cannot be read without the extra."""
        return f"{self.title} needs an extra: pip install 'foveal[{self.name}]'"


def _load_heif() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _load_jxl() -> None:
    from foveal.pictures.jxl import register

    register(_is_jxl)


def _load_dicom() -> None:
    from foveal.pictures.dicom import register

    register()


def _is_jxl(start: bytes) -> bool:
    return start.startswith((CODESTREAM, CONTAINER))


def _is_dicom(start: bytes) -> bool:
    return start[128:HEAD] == b"DICM"


EXTRAS = (
    Extra(
        format="HEIF",
        title="HEIC",
        name="heic",
        distribution="pillow-heif",
        endings=(".heic", ".heif", ".hif"),
        begins=lambda start: start[4:8] == b"ftyp" and start[8:12] in BRANDS,
        load=_load_heif,
    ),
    Extra(
        format="JXL",
        title="JPEG XL",
        name="jxl",
        distribution="pylibjxl",
        endings=(".jxl",),
        begins=_is_jxl,
        load=_load_jxl,
    ),
    Extra(
        format="DICOM",
        title="DICOM",
        name="dicom",
        distribution="pydicom",
        endings=(".dcm", ".dicom"),
        begins=_is_dicom,
        load=_load_dicom,
        helpers=("python-gdcm", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pyjpegls"),
    ),
)
"""The formats."""


def extra_of(start: bytes) -> Extra | None:
    """Return what reads a file that starts with these bytes; None for other formats."""
    return next((one for one in EXTRAS if one.begins(start)), None)


@lru_cache(maxsize=1)
def identity() -> tuple[str, ...]:
    """Say which are installed, in which version: for keys of caches."""
    return tuple(name for one in EXTRAS for name in one.installed)


def _version(distribution: str) -> str:
    """Return the version that is installed; nothing where there is none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
