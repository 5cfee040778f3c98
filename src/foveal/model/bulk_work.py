"""Predicting and encoding as work on many pictures; the commands do the same with few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from foveal.errors import ModelFileError
from foveal.model.codec import Codes, check_half, coding, coding_session, features_of
from foveal.model.codes_file import codes_schema, codes_table
from foveal.model.fitted import FittedModel
from foveal.model.opening import load
from foveal.model.predictions import Predictions, columns_of
from foveal.pictures.collection import Pictures
from foveal.recipe import PictureRecipe
from foveal.shapes import volume
from foveal.tables import schema_of, table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWork:
    """What any work with a model has."""

    model: str
    """The file, its address, or "imagenet"."""
    digest: str
    """Hash of the model that is meant."""
    device: str = "auto"
    threads: int | None = None

    def opened(self, *, whole: bool = False) -> FittedModel:
        """Load the model.

        Raises
        ------
        ModelFileError
            Where another one has taken its place.
        """
        found = load(self.model, whole=whole, device=self.device, threads=self.threads)
        if found.digest() == self.digest:
            return found
        raise ModelFileError(
            self.model,
            needed=f"the model that the work began with ({self.digest[:12]}...)",
            came=f"another ({found.digest()[:12]}...)",
            remedy="put it back, or begin other parts",
        )


@dataclass(frozen=True)
class Predicting:
    """Predicts pictures."""

    fitted: FittedModel
    least: float | None = None
    """How sure the model must be to answer, see `FittedModel.refusal`."""
    some_of_many: bool = False
    """Whether pictures come in pieces of many."""

    @property
    def recipe(self) -> PictureRecipe:
        """The model's."""
        return self.fitted.recipe

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of predictions, their types those of the model's labels."""
        target = self.fitted.answering()
        columns = columns_of(target, refusing=self.least is not None)
        nothing = np.zeros((1, target.outputs or 1))
        ((cells, _),) = target.cells(target.predicted(nothing, self.fitted.temperature))
        example = dict(zip(target.columns()[0], cells, strict=True))
        return schema_of(columns, [[example.get(name) for name in columns]])

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Predictions]:
        """Predict batch by batch."""
        return self.fitted.predicting(pictures, self.least, some_of_many=self.some_of_many)

    def table(self, answers: Predictions) -> pa.Table:
        """Return the rows of predictions."""
        return table_of(list(answers.rows()), self.schema)

    def counts(self, answers: Predictions) -> Mapping[str, int]:
        """Count what is unfamiliar, where that can be told, and what is left to a person."""
        found = {}
        if self.fitted.familiar is not None:
            found["unfamiliar"] = int(answers.unfamiliar.sum())
        if self.least is not None:
            found["left"] = int(answers.left.sum())
        return found

    def engine(self, pictures: Pictures) -> str:
        """Name what runs the network."""
        return self.fitted.answering_session().engine_of_many(pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictWork(ModelWork):
    """Predicting."""

    least: float | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        """Model and threshold."""
        return {"work": "predict", "model": self.digest, "least_probability": self.least}

    def open(self) -> Predicting:
        """Load the model."""
        return Predicting(self.opened(), self.least, True)


@dataclass(frozen=True)
class Encoding:
    """Encodes pictures: to codes of an autoencoder, to features of any other model."""

    fitted: FittedModel
    sample: int | None = None
    """Seed by which a variational autoencoder draws codes; their means where left out."""
    some_of_many: bool = False
    """Whether pictures come in pieces of many."""

    @property
    def features(self) -> int | None:
        """Numbers of a picture's features; None where these are codes."""
        if self.fitted.autoencodes:
            return None
        return volume(self.fitted.feature_session().network.shape)

    @property
    def recipe(self) -> PictureRecipe:
        """The model's."""
        return self.fitted.recipe

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of codes or features, and whose they are."""
        size = self.features
        return codes_schema(self.fitted, size, hashed=self.some_of_many and size is not None)

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Codes]:
        """Encode batch by batch."""
        if self.sample is not None:
            check_half(self.fitted, "encoder")
        if self.fitted.autoencodes:
            many = self.some_of_many
            return coding(self.fitted, pictures, self.sample, before=before, some_of_many=many)
        session = self.fitted.feature_session()
        return features_of(session, pictures, some_of_many=self.some_of_many)

    def table(self, answers: Codes) -> pa.Table:
        """Return the rows of codes or features."""
        return codes_table(answers, self.schema)

    def counts(self, answers: Codes) -> Mapping[str, int]:
        """Count nothing else."""
        return {}

    def engine(self, pictures: Pictures) -> str:
        """Name what runs the encoder, or the network."""
        if self.fitted.autoencodes:
            session = coding_session(self.fitted, sampled=self.sample is not None)
        else:
            session = self.fitted.feature_session()
        return session.engine_of_many(pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeWork(ModelWork):
    """Encoding."""

    sample: int | None = None
    codes: bool = False
    """Whether an autoencoder encodes: its codes stand without what tells equal pictures."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Model, seed, and what tells equal pictures."""
        # parts of features that were begun without are other work, parts of codes never had any
        known_by = {} if self.codes else {"equal_by": "pixels"}
        return {"work": "encode", "model": self.digest, "sample": self.sample, **known_by}

    def open(self) -> Encoding:
        """Load the model."""
        return Encoding(self.opened(whole=True), self.sample, True)
