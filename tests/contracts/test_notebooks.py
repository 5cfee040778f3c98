"""What a notebook shows of each value that people hold, with hostile names in it."""

from __future__ import annotations

import numpy as np
import pytest

import foveal
from foveal.anomaly.threshold import Anomalies, LeftOut, Threshold
from foveal.model.predictions import Predictions
from foveal.nets.stock import STOCK
from foveal.search.index import Neighbours
from foveal.targets.classes import Classes
from support.models import small_autoencoder, small_model

HOSTILE = "<script>alert('x')</script>"


def a_model() -> foveal.FittedModel:
    model = small_model()
    model.target = Classes(names=np.array([HOSTILE, "b", "c"]))
    return model


def unusual() -> Anomalies:
    scores = np.array([0.1, 0.9, np.nan, 0.5])
    return Anomalies(
        names=[HOSTILE, "b.png", "torn.png", "c.png"],
        measures={"error": scores},
        reasons=["", "", "no such file", ""],
        threshold=Threshold.of(np.linspace(0, 0.6, 99), "error", 0.05, LeftOut()),
        notes=("passed over: .DS_Store",),
    )


def shown() -> dict[str, str]:
    model = a_model()
    images = 255 * np.random.default_rng(0).random((30, 8, 8))
    labels = np.array([HOSTILE, "b", "c"])[np.arange(30) % 3]
    return {
        "plan": model.plan._repr_html_(),
        "model": model._repr_html_(),
        "evaluation": foveal.evaluate(model, images, labels)._repr_html_(),
        "predictions": Predictions(
            names=[HOSTILE, "a"],
            predicted=np.array([[0.9, 0.1], [np.nan, np.nan]]),
            reasons=["", "broken & torn"],
            unfamiliarity=np.array([1.5, np.nan]),
            target=Classes(names=np.array([HOSTILE, "b"])),
        )._repr_html_(),
        "autoencoder": small_autoencoder()._repr_html_(),
        "anomalies": unusual()._repr_html_(),
        "neighbours": Neighbours(
            query=HOSTILE, names=(HOSTILE, "b"), rows=(3, 4), distances=(0.0, 0.25)
        )._repr_html_(),
    }


def test_names_of_files_and_classes_are_never_run_by_a_notebook() -> None:
    found = shown()
    for html in found.values():
        assert "<script" not in html and html.count("<table") == html.count("</table>") >= 1
    assert "&lt;script&gt;" in found["evaluation"] and "&lt;script&gt;" in found["predictions"]
    assert "90.0 %" in found["predictions"] and "broken &amp; torn" in found["predictions"]
    assert found["predictions"].count("<td>unfamiliar</td>") == 1


def test_the_table_of_a_notebook_holds_what_the_text_holds() -> None:
    model = a_model()
    for line in str(model.plan).splitlines():
        for word in line.split():
            assert word in model.plan._repr_html_()
    assert repr(model).split("'")[1] in model._repr_html_()


def test_many_predictions_are_shown_in_part_and_it_is_said() -> None:
    many = a_model().predictions(np.zeros((50, 8, 8)))
    html = many._repr_html_()
    assert html.count("<tr>") == 21 and "and 30 more" in html


def test_an_evaluation_prints_the_table_of_the_command() -> None:
    images = 255 * np.random.default_rng(0).random((30, 8, 8))
    evaluation = foveal.evaluate(
        a_model(), images, np.array([HOSTILE, "b", "c"])[np.arange(30) % 3]
    )
    text = str(evaluation)
    assert f"accuracy           {evaluation.metrics.accuracy.percent()}" in text.splitlines()
    assert "confusion: rows are true, columns are called" in text
    assert all(f"note: {note}" in text for note in evaluation.notes)
    assert repr(evaluation).startswith("Evaluation(") and "\n" not in repr(evaluation)


@pytest.mark.parametrize("name", STOCK)
def test_plans_and_their_layers_fit_a_line(name: str) -> None:
    plan = foveal.plan(name)
    assert len(repr(plan)) <= 100 and repr(plan).startswith(f"Plan({name!r}, ")
    for layer in plan.walk():
        assert len(repr(layer)) <= 110 and "\n" not in repr(layer)
    first = plan.layers[0]
    assert repr(first).startswith("PlannedLayer(1: ") and "->" in repr(first)


def test_what_is_unusual_comes_first_and_what_is_unreadable_is_not_counted_as_usual() -> None:
    assert repr(unusual()) == "Anomalies(1 of 3 pictures unusual, 1 unreadable)"
    html = unusual()._repr_html_()
    assert html.index("b.png") < html.index("c.png") < html.index("&lt;script&gt;")
    assert "torn.png" not in html and "unreadable: 1 picture" in html
    assert "passed over: .DS_Store" in html and html.count("<td>above</td>") == 1


def test_neighbours_are_shown_by_rank_or_with_their_reason() -> None:
    found = Neighbours(query="q.png", names=("a", "b"), rows=(0, 1), distances=(0.0, 0.25))
    assert repr(found) == "Neighbours('q.png': 2 pictures)"
    assert "nearest to q.png" in found._repr_html_() and "0.25" in found._repr_html_()
    lost = Neighbours(query="q.png", reason="no such file")
    assert lost._repr_html_() == "<p>q.png: no such file</p>"
