"""A model that is served: what it is asked, batched, and in the words of the commands.

Each answer is what the command of that name prints of the same bytes with ``--json``.

Axes: n picture, k output of the network, h height, w width, c channel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from foveal.anomaly.detection import anomalies
from foveal.anomaly.neighbours import Neighbouring
from foveal.anomaly.threshold import Anomalies
from foveal.arrays import Array, Doubles, Floats
from foveal.engines.engine import batch_for
from foveal.inference.session import Session
from foveal.model.codec import NO_NUMBERS, check_half, checked_codes
from foveal.model.fitted import FittedModel
from foveal.model.predictions import Predictions
from foveal.model.refusing import Refusal
from foveal.pictures.collection import Pictures
from foveal.pictures.decoders import AT_ONCE
from foveal.pictures.encoded import InMemory
from foveal.pictures.saving import as_png
from foveal.pictures.scaling import of_bytes
from foveal.pictures.sources import gather
from foveal.results import plain
from foveal.search.index import SearchIndex
from foveal.search.vectors import scaled
from foveal.serving.batching import Answer, Batcher, Item
from foveal.serving.refusals import Refused
from foveal.serving.resources import Resources
from foveal.serving.rows import Row, rows_of, rows_of_most
from foveal.shapes import volume

READING = 0.01
"""Seconds that a question to a decoder should take: of small pictures it is about many."""
LEAST, MOST = 8, 64
"""Pictures that go through a network together, at most: of small pictures `MOST`."""


class Served:
    """A model under a name.

    Parameters
    ----------
    name : str
        How it is called in addresses.
    model : FittedModel
        What answers `predict`.
    wide : FittedModel
        What answers `encode`, `similar` and `anomaly`: the same, but for "imagenet", which sees
        whole pictures there.
    resources : Resources
        Threads and room.
    index : SearchIndex, optional
        What `similar` searches in.
    usual : Neighbouring, optional
        What `anomaly` of another model than an autoencoder holds pictures against.
    refusal : Refusal, optional
        From when on `predict` answers; where left out it answers everything.
    """

    def __init__(
        self,
        name: str,
        model: FittedModel,
        resources: Resources,
        *,
        wide: FittedModel | None = None,
        index: SearchIndex | None = None,
        usual: Neighbouring | None = None,
        refusal: Refusal | None = None,
    ) -> None:
        self.name, self.model, self.wide = name, model, wide or model
        self.resources, self.index = resources, index
        self.usual, self.refusal = usual, refusal
        self.digest = model.digest()
        recipe = model.recipe
        self.most = min(MOST, max(LEAST, 4 * batch_for(recipe.height, recipe.width)))
        self.predicting = self._batcher(self._answers)
        self.encoding = self._batcher(self._vectors)
        self.decoding = self._batcher(self._pictures)
        self.reading = self._reader(self.model)
        self.reading_wide = self._reader(self.wide)

    def open_engines(self) -> None:
        """Open what many pictures need, before the first of them come."""
        if not self.model.autoencodes:
            self.model.answering_session().open_fastest(of_bytes(self.model.recipe))
        else:
            self._coder.open_fastest(of_bytes(self.wide.recipe))

    def close(self) -> None:
        """Take the engines down: in the thread of the engine, for others run in it meanwhile."""
        for model in (self.model, self.wide):
            model.close()

    # What is asked -----------------------------------------------------------------------

    async def predict(self, pictures: Sequence[InMemory], top: int) -> Row:
        """Say what pictures are, as `foveal predict`; no more than `top` classes of each."""
        self.model.answering()
        found = await self._asked(self.model, pictures, self.predicting)
        predictions = self._predictions(pictures, found)
        rows, left_out = rows_of_most(predictions, top)
        refusing = self.refusal is not None
        return {
            **self._answer(rows, found),
            "classes_left_out": left_out,
            "left": int(predictions.left.sum()) if refusing else None,
            "refusal": plain(self.refusal),
        }

    async def encode(self, pictures: Sequence[InMemory]) -> Row:
        """Say the code of pictures, or their features, as `foveal encode`."""
        found = await self._asked(self.wide, pictures, self.encoding)
        rows = [
            {
                "path": one.name,
                "code": None if isinstance(code, str) else code.tolist(),
                "error": code if isinstance(code, str) else None,
            }
            for one, code in zip(pictures, found, strict=True)
        ]
        return {**self._answer(rows, found), "code_size": self._size}

    async def decode(self, code: Any) -> bytes:
        """Return the picture of a code, a PNG file, as `foveal decode` writes it."""
        check_half(self.model, "decoder")
        values = checked_codes(one_row(code), self.model.plan.code_size)
        return await self.decoding.ask(values[0])

    async def anomaly(self, pictures: Sequence[InMemory], false_alarms: float) -> Row:
        """Say how unusual pictures are, as `foveal anomalies`."""

        def work() -> Anomalies:
            if self.usual is not None:
                return self.usual.at(false_alarms).compared(encoded(pictures))
            if not self.wide.autoencodes:
                raise _nothing_usual(self.name)
            return anomalies(self.wide, encoded(pictures), false_alarms=false_alarms)

        found = await self.once(work, len(pictures))
        rows = rows_of(found.columns, found.rows())
        self._refuse_alone(found.reasons)
        return {"model": self.name, "digest": self.digest, **found.to_dict(), "pictures": rows}

    async def similar(self, pictures: Sequence[InMemory], k: int) -> Row:
        """Find the pictures of the index that are most like others, as `foveal similar`."""
        if self.index is None:
            raise Refused(
                404,
                f"similar of {self.name}",
                needed="an index of pictures to search in",
                came="a server without one",
                remedy="start it with one (`index`), which foveal similar leaves",
            )
        index = self.index
        found = await self._asked(self.wide, pictures, self.encoding)
        reasons = [one if isinstance(one, str) else "" for one in found]
        self._refuse_alone(reasons)
        there = np.reshape([one for one in found if not isinstance(one, str)], (-1, self._size))
        vectors = scaled(there.astype(np.float32), index.measure)
        names = [one.name for one in pictures]
        ranked = await self.once(lambda: index.among(names, reasons, vectors, k), len(there))
        head = {"model": self.name, "digest": self.digest, "measure": index.measure}
        return {**head, "indexed": len(index), "queries": plain(ranked)}

    async def predictions_of(self, array: Array) -> Predictions:
        """Predict an array as `FittedModel.predictions` does, in the range that taught."""
        found = await self.once(lambda: self.model.predictions(array), len(array))
        return replace(found, least=self._least)

    async def predictions_of_encoded(self, pictures: Sequence[InMemory]) -> Predictions:
        """Predict encoded pictures."""
        self.model.answering()
        return self._predictions(pictures, await self._asked(self.model, pictures, self.predicting))

    async def codes_of(self, array: Array) -> Floats:
        """Encode an array as `FittedModel.features` does."""
        return await self.once(lambda: self.wide.features(gather(array)), len(array))

    async def codes_of_encoded(self, pictures: Sequence[InMemory]) -> Floats:
        """Encode pictures, (n, k)."""
        found = await self._asked(self.wide, pictures, self.encoding)
        nothing = np.full(self._size, np.nan, np.float32)
        return np.stack([nothing if isinstance(one, str) else one for one in found])

    # How ---------------------------------------------------------------------------------

    async def once(self, work: Callable[[], Answer], pictures: int) -> Answer:
        """Do something in the thread of the engine, by itself."""
        single: Batcher[Callable[[], Answer], Answer] = Batcher(
            lambda works: [work() for work in works],
            self.resources.engine,
            1,
            lambda _, seconds: self.resources.paced(pictures, seconds),
        )
        return await single.ask(work)

    async def _asked(
        self, model: FittedModel, pictures: Sequence[InMemory], batcher: Batcher[Array, Array | str]
    ) -> list[Array | str]:
        """Decode pictures and ask for each; a text says why there is no answer."""
        reading = self.reading_wide if model is self.wide else self.reading

        async def one(picture: InMemory) -> Array | str:
            image = await reading.ask(picture)
            return image if isinstance(image, str) else await batcher.ask(image)

        return await together(list(map(one, pictures)))

    def _reader(self, model: FittedModel) -> Batcher[InMemory, Array | str]:
        """Make what decodes pictures for a model: those that wait, some at a time."""

        def read(several: Sequence[InMemory]) -> Sequence[Array | str]:
            content = encoded(several).content
            return content.prepare(range(len(several)), content.suited(model.recipe))

        resources = self.resources
        threads = resources.threads
        return Batcher(read, resources.decoders, AT_ONCE, at_once=threads, within=READING)

    def _batcher(self, run: Callable[[Sequence[Item]], Sequence[Answer]]) -> Batcher[Item, Answer]:
        return Batcher(run, self.resources.engine, self.most, self.resources.paced)

    def _answers(self, images: Sequence[Array]) -> list[Array | str]:
        """Predict pictures (h, w, c), and behind each its unfamiliarity, (k + 1,).

        One alone is answered by what a command would have opened for it, to the bit.
        """
        by, several = of_bytes(self.model.recipe), len(images) > 1
        logits_nk, strange_n = self.model.answers(np.stack(images), by, at_hand=several)
        return list(np.column_stack([self._predicted(logits_nk), strange_n]))

    def _predicted(self, outputs_nk: Array) -> Doubles:
        return self.model.answering().predicted(outputs_nk, self.model.temperature)

    @cached_property
    def _nothing(self) -> Doubles:
        """What stands for the answer of a picture that cannot be read, (k + 1,)."""
        nothing = np.full((1, volume(self.model.plan.output)), np.nan)
        return np.append(self._predicted(nothing), np.nan)

    def _predictions(
        self, pictures: Sequence[InMemory], found: Sequence[Array | str]
    ) -> Predictions:
        """Make predictions of what `_answers` gave; see `FittedModel.predicting`."""
        reasons = [one if isinstance(one, str) else "" for one in found]
        self._refuse_alone(reasons)
        values = np.stack([self._nothing if isinstance(one, str) else one for one in found])
        return Predictions(
            names=[one.name for one in pictures],
            predicted=values[:, :-1],
            reasons=reasons,
            target=self.model.answering(),
            unfamiliarity=values[:, -1],
            least=self._least,
        )

    @property
    def _least(self) -> float | None:
        return None if self.refusal is None else self.refusal.least

    @cached_property
    def _coder(self) -> Session:
        return self.wide.feature_session()

    @property
    def _size(self) -> int:
        """Numbers of a code, or of a picture's features."""
        return volume(self._coder.network.shape)

    def _vectors(self, images: Sequence[Array]) -> list[Array | str]:
        """Give the code or the features of pictures (h, w, c), (d,) each."""
        by, several = of_bytes(self.wide.recipe), len(images) > 1
        values = self._coder.prepared(np.stack(images), by, at_hand=several)
        rows = values.reshape(len(images), -1).astype(np.float32)
        return [row if np.isfinite(row).all() else NO_NUMBERS for row in rows]

    def _pictures(self, codes: Sequence[Array]) -> list[bytes]:
        return list(map(as_png, self.model.decode(np.stack(codes))))

    def _answer(self, rows: list[Row], found: Sequence[Array | str]) -> Row:
        reasons = [one if isinstance(one, str) else "" for one in found]
        self._refuse_alone(reasons)
        head = {"model": self.name, "digest": self.digest, "rows": len(rows)}
        return {**head, "unreadable": sum(map(bool, reasons)), "pictures": rows}

    def _refuse_alone(self, reasons: Sequence[str]) -> None:
        """Refuse a picture that came alone and cannot be read; of several each has its reason."""
        if len(reasons) == 1 and reasons[0]:
            raise Refused(
                422,
                "the picture",
                needed="a picture that can be read",
                came=reasons[0],
                remedy="open it elsewhere, and send it as JPEG or PNG",
            )


def encoded(pictures: Sequence[InMemory]) -> Pictures:
    """Make pictures of uploads, under the names they came by."""
    return Pictures.of_encoded(list(pictures), [one.name for one in pictures])


def _nothing_usual(name: str) -> Refused:
    return Refused(
        400,
        f"anomaly of {name}",
        needed="an autoencoder, or usual pictures to compare with",
        came="a model without either",
        remedy="start the server with some (`usual`)",
    )


def one_row(code: Any) -> Array:
    """Return a code that came as JSON as an array of one row, whatever it is."""
    try:
        values = np.asarray(code)
    except ValueError:  # rows of several lengths
        values = np.asarray([], dtype=object)
    return values[None] if values.ndim == 1 else np.empty((0, 0))


async def together(asked: Sequence[Awaitable[Answer]]) -> list[Answer]:
    """Wait for several answers; where one fails, for none of the others."""
    if len(asked) == 1:
        return [await asked[0]]
    tasks = [asyncio.ensure_future(one) for one in asked]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
