"""A further kind of target, in one module: a number a picture, such as a weight or an age."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from foveal.errors import DataError
from foveal.evaluation.intervals import Estimate, mean
from foveal.pictures.collection import Pictures
from foveal.results import Result
from foveal.targets.labelled import Labelled
from foveal.targets.target import Answers
from foveal.training.steps import UNANSWERED, Batch, BatchLoss, LossOf, Scores


class _Measured(nn.Module):
    def __init__(self, mean: float, spread: float) -> None:
        super().__init__()
        self.mean, self.spread = mean, spread

    def forward(self, outputs_nk: torch.Tensor) -> torch.Tensor:
        return self.mean + self.spread * outputs_nk


@dataclass(frozen=True, slots=True)
class MeasureMetrics(Result):
    """How measures fare."""

    pictures: int
    mean_error: Estimate
    explained: float
    """Share of the variance that is explained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures(Labelled):
    """A number a picture; the network gives it in deviations from the mean of those that taught."""

    mean: float = 0.0
    spread: float = 1.0
    task: ClassVar[str] = "measures"
    headings: ClassVar[tuple[str, str]] = ("measure", "")
    judged_columns: ClassVar[tuple[str, ...]] = ("true", "measure", "error")

    @property
    def names(self) -> np.ndarray:
        return np.empty(0, dtype=str)

    @property
    def outputs(self) -> int:
        return 1

    @property
    def kept(self) -> Mapping[str, float]:
        return {"mean": self.mean, "spread": self.spread}

    @classmethod
    def asked(cls, **options: Any) -> Self:
        return cls()

    @classmethod
    def restored(cls, names: Sequence[Any], kept: Mapping[str, float]) -> Self:
        if len(names) or set(kept) != {"mean", "spread"}:
            raise ValueError(f"names and numbers that do not belong to {cls.task}")
        return cls(mean=kept["mean"], spread=kept["spread"])

    # How it is taught

    def read(self, y: Any) -> np.ndarray:
        values = np.asarray(y, dtype=np.float64)
        return np.where(np.isnan(values), None, values) if np.isnan(values).any() else values

    def check_labelled(self, pictures: Pictures) -> None:
        if pictures.labels is None:
            raise DataError("y", needed="a number a picture", came="none", remedy="give y")

    def learned(self, pictures: Pictures) -> Self:
        values = self.answers(pictures).values_n
        return replace(self, mean=float(np.nanmean(values)), spread=float(np.nanstd(values)))

    def answers(self, pictures: Pictures) -> Answers:
        self.check_labelled(pictures)
        values = np.asarray(pictures.labels, dtype=np.float32)
        return Answers(values, ["no number" if lost else "" for lost in np.isnan(values)])

    def strata(self, values_n: np.ndarray) -> np.ndarray:
        return np.zeros(len(values_n), dtype=np.intp)

    def named(self, values_n: np.ndarray, index: int) -> np.ndarray:
        raise IndexError(index)

    def counts(self, values_n: np.ndarray) -> np.ndarray:
        return np.array([len(values_n)])

    def contradicted(self, hashes_n: Any, values_n: Any, rows: Any) -> dict[int, str]:
        return {}

    def check_enough(self, values_n: Any, hashes_n: Any, left_out: Callable[[], str]) -> None:
        return

    def loss(self, values_n: np.ndarray, device: str) -> LossOf:
        def loss_of(network: nn.Module, batch: Batch) -> BatchLoss:
            wanted = (batch.values_n - self.mean) / self.spread
            loss = F.mse_loss(network(batch.images_nchw)[:, 0], wanted)
            return BatchLoss(loss, loss.detach(), UNANSWERED)

        return loss_of

    def judge(self, outputs_nk: torch.Tensor, values_n: np.ndarray) -> Scores:
        return Scores(self.mean_loss(outputs_nk.numpy(), values_n), None, len(values_n))

    # What it says of pictures

    def predicted(self, outputs_nk: np.ndarray, temperature: float) -> np.ndarray:
        return self.mean + self.spread * np.asarray(outputs_nk, dtype=np.float64)

    def predictor(self, temperature: float) -> nn.Module:
        return _Measured(self.mean, self.spread)

    def labels(self, predicted_nk: np.ndarray) -> np.ndarray:
        return predicted_nk[:, 0]

    def columns(self) -> tuple[list[str], list[str]]:
        return ["measure"], []

    def cells(self, predicted_nk: np.ndarray) -> Iterator[tuple[list[Any], list[Any]]]:
        for value in predicted_nk[:, 0].tolist():
            yield [value], []

    def written(self, predicted_k: np.ndarray, most: int = 1) -> tuple[str, str, str]:
        return f"{predicted_k[0]:.2f}", "", ""

    # How it is judged

    def mean_loss(self, outputs_nk: np.ndarray, values_n: np.ndarray) -> float:
        errors = self.losses(self.predicted(outputs_nk, 1.0), values_n) / self.spread
        return float(np.square(errors).mean())

    def losses(self, predicted_nk: np.ndarray, values_n: np.ndarray) -> np.ndarray:
        return np.abs(predicted_nk[:, 0] - values_n)

    def judged_rows(self, predicted_nk: np.ndarray, values_n: np.ndarray) -> Iterator[list[Any]]:
        errors = self.losses(predicted_nk, values_n).tolist()
        yield from map(
            list, zip(values_n.tolist(), predicted_nk[:, 0].tolist(), errors, strict=True)
        )

    def metrics(
        self, predicted_nk: np.ndarray, values_n: np.ndarray, worth: float
    ) -> MeasureMetrics:
        errors = self.losses(predicted_nk, values_n)
        rest = np.square(errors).sum() / np.square(values_n - values_n.mean()).sum()
        return MeasureMetrics(len(values_n), mean(errors, least=0, worth=worth), float(1 - rest))

    def estimates(self, metrics: MeasureMetrics) -> dict[str, Estimate]:
        return {"mean error": metrics.mean_error}

    def figures(
        self, metrics: MeasureMetrics, raw_error: float | None, temperature: float
    ) -> list[tuple[str, str]]:
        return [
            ("mean error", metrics.mean_error.plain()),
            ("explained", f"{metrics.explained:.2f}"),
        ]

    def score(self, y: Any, labels: np.ndarray, sample_weight: Any) -> float:
        return 1 - float(np.var(y - labels) / np.var(y))
