"""What an autoencoder is, and how it is taught: what was left open is decided of its pictures."""

from __future__ import annotations

from dataclasses import replace

from foveal.errors import UsageError
from foveal.learning.code_options import CodeOptions
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.descent import batch_size_of
from foveal.learning.options import Descent, Pixels
from foveal.learning.reconstruction import AutoencoderTask
from foveal.nets.autoencoder import autoencoder, photographs
from foveal.nets.plan import Plan
from foveal.pictures.augment import Augmentation
from foveal.shapes import Shape, volume
from foveal.targets.pictures import Originals
from foveal.training import config as configs
from foveal.vocabulary import Loss
from foveal.wording import counted

CODE_SIZE = 32
"""Numbers of a code, unless the pictures have fewer than twice as many values."""
PHOTOGRAPH_CODE_SIZE = 128
"""The same for photographs, of which 32 numbers keep no colours (see docs/tried.md)."""


def uncentred(data: TrainingData[Originals]) -> TrainingData[Originals]:
    """Leave the centring to the encoder."""
    return replace(data, recipe=replace(data.recipe, mean=(0.0,), std=(1.0,)))


def with_loss(data: TrainingData[Originals], asked: Loss | None) -> TrainingData[Originals]:
    """Choose how reconstructions are held against pictures: as asked for, or by what they are."""
    left_out: Loss = "colour" if photographs(data.recipe.shape) else "mse"
    return replace(data, target=Originals(criterion=asked or left_out))


def code_plan(shape: Shape, count: int, code: CodeOptions) -> Plan:
    """Plan an autoencoder for pictures.

    Parameters
    ----------
    shape : tuple
        Of each picture.
    count : int
        How many of them can train, at most.

    Raises
    ------
    UsageError
        For a code that is larger than the pictures are, or than there are pictures.
    """
    values = volume(shape)
    most = min(values, count)
    if code.code_size is not None and code.code_size > most:
        raise UsageError(
            "code_size",
            needed=f"at most {most}: pictures of {counted(values, 'value')}, {count:,} of them",
            came=str(code.code_size),
            remedy="choose a smaller code, or give more pictures",
        )
    usual = PHOTOGRAPH_CODE_SIZE if photographs(shape) else CODE_SIZE
    return autoencoder(
        shape,
        code.code_size or min(usual, max(values // 2, 1), count),
        kind=code.kind,
        encoder=code.encoder,
        decoder=code.decoder,
        activation=code.activation,
        variational=code.variational,
        squashed=code.loss == "bce",
        few=count < values,
    )


def code_task(
    data: TrainingData[Originals],
    plan: Plan,
    asked: Descent,
    pixels: Pixels,
    code: CodeOptions,
    context: FitContext,
) -> AutoencoderTask:
    """Decide how an autoencoder is taught: batches, variations, mirroring."""
    count = len(data.split.train)
    colour = count < configs.FEW_PICTURES and data.recipe.channels == 3
    return AutoencoderTask(
        data=data,
        plan=plan,
        context=context,
        batch_size=batch_size_of(asked, count),
        augmentation=Augmentation(
            level=pixels.augmentation or "none",
            flip=colour if pixels.flip is None else pixels.flip,
        ),
        code=code,
    )
