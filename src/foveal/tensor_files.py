"""Tensors in files: safetensors, whole or absent, with a checksum.

One JSON text in the file's metadata holds the facts and a SHA-256 of facts and tensors, since the
format itself has no checksum. Nothing here unpickles anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from foveal.errors import ModelFileError
from foveal.files import existing_model, write_whole
from foveal.wording import counted

KEY = "foveal"
"""The one key of the metadata; several would be written in random order."""
LARGEST_HEADER = 4_000_000
"""Bytes; safetensors itself would accept headers of a hundred megabytes."""


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], facts: dict[str, Any]) -> str:
    """Write tensors and facts as one safetensors file, whole or not at all.

    Returns
    -------
    str
        SHA-256 of facts and tensors, as kept in the file.
    """
    data, digest = packed(tensors, facts)
    write_whole(path, data)
    return digest


def packed(tensors: Mapping[str, torch.Tensor], facts: dict[str, Any]) -> tuple[bytes, str]:
    """Return tensors and facts as the bytes of a safetensors file, and the SHA-256 kept in it."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    digest = content_hash(plain, facts)
    text = json.dumps({**facts, "sha256": digest}, sort_keys=True, allow_nan=False)
    return safetensors.torch.save(plain, {KEY: text}), digest


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Raises
    ------
    ModelFileError
        Where the file is not one of ours, is cut short, or holds a flipped bit.
    """
    return unpacked(_bytes_of(path), path)


def unpacked(data: bytes, path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `packed` gave; `path` names it in errors."""
    size = int.from_bytes(data[:8], "little") if len(data) >= 8 else 0
    if not 2 <= size <= LARGEST_HEADER or data[8:9] not in (b"{", b""):
        raise foreign(path, "another beginning" if data else "an empty file")
    _check_whole(path, 8 + size, data)
    try:
        header = json.loads(data[8 : 8 + size])
        _check_whole(path, 8 + size + _end_of_tensors(header), data)
        facts = json.loads(header["__metadata__"][KEY])
        tensors = safetensors.torch.load(data)
    except ModelFileError:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,  # RecursionError too
        OverflowError,
        SafetensorError,
    ) as error:
        reason = f"{type(error).__name__}: {error}"[:120]
        raise foreign(path, f"one that cannot be read ({reason})") from error
    if not isinstance(facts, dict):
        raise foreign(path, "one without facts")
    written = facts.pop("sha256", None)
    if written != content_hash(tensors, facts):
        raise ModelFileError(
            str(path),
            needed="the content that was written",
            came="another: its checksum differs",
            remedy="the file is damaged; copy it again or train again",
        )
    return tensors, facts


def _end_of_tensors(header: Mapping[str, Any]) -> int:
    """Return how many bytes of tensors a header announces."""
    ends = [int(one["data_offsets"][1]) for name, one in header.items() if name != "__metadata__"]
    return max(ends, default=0)


def _check_whole(path: Path, wanted: int, data: bytes) -> None:
    """Check that a file is as long as its beginning says.

    Raises
    ------
    ModelFileError
        Where it was cut short.
    """
    if len(data) < wanted:
        raise ModelFileError(
            str(path),
            needed=f"a whole file: at least {counted(wanted, 'byte')}, as its beginning says",
            came=f"one cut short, {counted(len(data), 'byte')}",
            remedy="copy it again, or train again",
        )


def content_hash(tensors: Mapping[str, torch.Tensor], facts: dict[str, Any]) -> str:
    """Hash facts, and names, types, shapes and bytes of tensors (SHA-256)."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        if value.numel():
            flat = value.contiguous().reshape(-1)
            if flat.stride(0) != 1:  # a single number may have any stride
                flat = flat.clone(memory_format=torch.contiguous_format)
            digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def foreign(path: Path, came: str) -> ModelFileError:
    """Make the error for a file that is not a Foveal file."""
    return ModelFileError(
        str(path),
        needed="a file that Foveal saved (safetensors)",
        came=came,
        remedy="name the .safetensors file that training or save() left",
    )


def _bytes_of(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise foreign(path, "no regular file")
        return existing_model(path).read_bytes()
    except OSError as error:
        raise foreign(path, error.strerror or str(error)) from error
