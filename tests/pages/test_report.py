"""The report: what it says, that nothing of others runs in it, and how it stands in a browser."""

from __future__ import annotations

import base64
import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from foveal.drawing.figure import Figure
from foveal.errors import UsageError
from foveal.evaluation.reconstruction import Reconstruction, SimilarityMetrics
from foveal.judging.evaluation import evaluate
from foveal.model.card import Coding
from foveal.pages.document import MOST_SIDE, Sheet
from foveal.pages.report import Report, report
from foveal.pictures.array_content import ArrayContent
from foveal.pictures.collection import Pictures
from foveal.progress.events import CutTried, Finished, Reconstructed
from foveal.targets.classes import Classes
from foveal.training.run import Run
from support.browser import BOUNDS, opened
from support.epochs import epoch_ended
from support.models import small_autoencoder, small_model

DIGITS = load_digits()
X = np.rint(DIGITS.images[:60] * 255 / 16).astype(np.uint8)
HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror="alert(2)">',
    "\x1b[31mred\u202efdp.exe\n",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "m.run"
    cut = CutTried(stage=HOSTILE[0], features=4, log_loss=0.5, accuracy=0.8)
    done = Finished(
        steps=1, best_epoch=1, validation_accuracy=None, validation_pictures=0, notes=HOSTILE
    )
    with Run(folder) as kept:
        kept.agree("command", "cnn", "")
        kept.agree("options", {"epochs": 3.0, "net": HOSTILE[1], "seed": 7}, "")
        kept.decide("typed", lambda: {"line": "foveal train cnn 'a b' m", "pictures": "a b"})
        kept.tell(cut, *(_epoch(number) for number in range(1, 6)), done)
        kept.finish()
    return folder


def _epoch(number: int) -> Any:
    return epoch_ended(
        number,
        loss=2.0 / number,
        accuracy=1 - 0.5 / number,
        validation_loss=2.5 / number,
        validation_accuracy=1 - 0.6 / number,
        validation_pictures=60,
    )


def told(run: Path | None = None, names: tuple[str, ...] = HOSTILE) -> Report:
    """Write the report of a small network on digits under names of others."""
    model = small_model()
    model.target = Classes(names=np.array(names))
    y = np.array(names)[np.arange(60) % 3]
    paths = [f"{label}/{row}.png" for row, label in enumerate(y)]
    pictures = Pictures(names=paths, content=ArrayContent(X[..., None]), labels=y)
    return report(model, pictures, run=run, name=names[0], source=names[1])


@pytest.fixture(scope="module")
def page(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return told(run).save(tmp_path_factory.mktemp("page") / "r.html")


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_it_stands_whole_in_a_browser_and_loads_nothing(
    page: Path, browser: Any, width: int, dark: bool
) -> None:
    with opened(browser, page, width=width, dark=dark) as found:
        wide = found.page.evaluate("document.documentElement.scrollWidth")
        beyond = found.page.eval_on_selector_all("svg.chart", BOUNDS)
        broken = found.page.eval_on_selector_all(
            "img", "all => all.filter(one => !one.complete || !one.naturalWidth).length"
        )
        scripts = found.page.eval_on_selector_all("script", "all => all.length")
        links = found.page.eval_on_selector_all(
            "nav a", "all => all.filter(one => !document.querySelector(one.hash)).length"
        )
        charts = found.page.get_by_role("img", name="Loss over the epochs").count()
    assert (found.errors, found.requests) == ([], [])
    assert wide <= width and beyond == []
    assert (broken, scripts, links, charts) == (0, 0, 0, 1)


def test_names_are_shown_as_text(page: Path, browser: Any) -> None:
    with opened(browser, page) as found:
        shown = found.page.inner_text("body")
        title = found.page.inner_text("h1")
    assert title == HOSTILE[0] and HOSTILE[1] in shown
    assert "\\x1b[31mred\\u202efdp.exe\\n" in shown
    assert not re.search("[\x1b\u202e]", page.read_text("utf-8"))


def test_it_says_what_was_asked_and_what_came_out(run: Path) -> None:
    found = told(run, ("a", "b", "c"))
    text = found.html()
    assert "foveal train cnn &#39;a b&#39; m" in text and ">epochs<" in text
    assert [one.id for one in found.sections] == [
        *("asked", "outcome", "course", "certainty", "mistakes", "network", "inside"),
        *("notes", "again"),
    ]
    judged = evaluate(small_model(), X, np.array(["a", "b", "c"])[np.arange(60) % 3])
    assert judged.metrics.accuracy.percent() in found.lead
    for one in judged.baselines:
        assert one.written() in text
    assert "foveal.pages" not in text and str(run.parent) not in text


def test_the_numbers_of_a_chart_can_be_saved(page: Path) -> None:
    links = re.findall(
        r'download="([a-z-]+\.(?:svg|csv))" href="data:([^;]+);base64,([^"]+)"',
        page.read_text("utf-8"),
    )
    files = {name: base64.b64decode(content).decode() for name, _, content in links}
    assert {"loss-curve.svg", "calibration.csv", "confusion.svg", "ladder.csv"} <= set(files)
    rows = list(csv.reader(io.StringIO(files["loss-curve.csv"])))
    assert rows[0] == ["curve", "epoch", "loss"] and rows[1] == ["training", "1.0", "2.0"]
    assert files["loss-curve.svg"].startswith("<svg") and "<style>" in files["loss-curve.svg"]


def test_the_same_outcome_gives_the_same_report(run: Path) -> None:
    assert told(run).html() == told(run).html()


def test_of_a_model_alone_it_says_what_is_known() -> None:
    found = report(small_model())
    assert [one.id for one in found.sections] == [
        "asked",
        "outcome",
        "network",
        "inside",
        "notes",
        "again",
    ]
    assert "nothing is claimed of it" in found.html()


def test_an_autoencoder_has_its_codes() -> None:
    found = report(small_autoencoder(), X)
    (codes,) = [one for one in found.sections if one.id == "codes"]
    assert [block.name for block in codes.blocks if isinstance(block, Sheet)] == [
        *("reconstructions", "map")
    ]
    assert "certainty" not in [one.id for one in found.sections]


@pytest.mark.parametrize("broken", [1, 17])
def test_pictures_that_cannot_be_read_are_passed_over(tmp_path: Path, broken: int) -> None:
    for number in range(broken):
        (tmp_path / f"a{number:02}.png").write_bytes(b"no picture")
    for number, one in enumerate(X[:20]):
        Image.fromarray(one).save(tmp_path / f"b{number:02}.png")
    found = report(small_autoencoder(), tmp_path)
    sections = {one.id for one in found.sections}
    assert "codes" in sections and ("inside" in sections) == (broken < 17)  # so many are tried


def test_pictures_that_taught_judge_nothing() -> None:
    model = small_model()
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    pictures = Pictures(names=list("p" * 60), content=ArrayContent(X[..., None]), labels=y)
    from foveal.pictures.store import open_store

    model.trained_on = open_store(pictures, model.recipe).hashes
    found = report(model, pictures)
    assert "mistakes" not in [one.id for one in found.sections]


def test_many_classes_stay_small() -> None:
    count = 1_000
    names = tuple(f"class {index:04}" for index in range(count))
    model = small_model("flatten | dense")
    from foveal.nets.build import build
    from foveal.nets.notation import read
    from foveal.nets.plan import plan_network

    model.plan = plan_network(read("1x8x8 | flatten | dense"), None, count)
    model.network = build(model.plan, seed=0).eval()
    model.target = Classes(names=np.array(names))
    model.provenance = model.provenance.model_copy(update={"class_counts": [1] * count})
    y = np.array(names)[np.arange(60) * 7]
    pictures = Pictures(
        names=list(map(str, range(60))), content=ArrayContent(X[..., None]), labels=y
    )
    html = report(model, pictures).html()
    assert len(html) < 500_000
    assert "The 20 classes with most errors of 1,000" in html


def test_a_large_sheet_is_cut_and_said_so() -> None:
    image = Image.effect_noise((2_500, 500), 80).convert("RGB")
    figure = Figure(values=None, image=image, caption="c", columns=("n",), rows=((1,),))
    sheet = Sheet.of("s", figure)
    assert sheet.width == MOST_SIDE and sheet.note.startswith("The first 2048x500 of 2500x500")
    assert len(sheet.image) < 1_500_000


def test_another_ending_and_a_folder_without_a_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="html"):
        report(small_model()).save(tmp_path / "r.txt")
    with pytest.raises(UsageError, match="folder of a run"):
        report(small_model(), run=tmp_path)


VARIED = small_model("flatten | dense")
"""A network that does not call all pictures alike."""


def judged(labels: np.ndarray) -> Report:
    """Write the report of a small network on pictures of these labels."""
    return report(VARIED, X, evaluation=evaluate(VARIED, X, labels))


def called() -> np.ndarray:
    found: np.ndarray = VARIED.predict(X)
    return found


def test_a_network_no_better_than_one_answer_says_so_first() -> None:
    names = np.array(["a", "b", "c"])
    wrong = names[(np.searchsorted(names, called()) + 1) % 3]
    most = names[np.argmax([np.sum(wrong == name) for name in names])]
    assert judged(wrong).lead.startswith(
        f"This network is no better than calling every picture {most}, which is right for "
        f"{100 * np.mean(wrong == most):.1f} % of these. "
    )
    assert len(set(called())) > 1
    assert judged(called()).lead.startswith("A network that names 3 classes")
    assert judged(np.full(60, "a")).lead.startswith("A network"), "of one class nothing is known"


def test_where_nothing_is_wrong_nobody_is_sent_to_look_for_wrong_labels() -> None:
    text = judged(called()).html()
    assert "Called wrong: 0 of 60 pictures. So good an outcome" in text
    assert "Look for wrong labels" not in text


def test_an_autoencoder_that_components_beat_says_so_first_and_among_what_was_said(
    tmp_path: Path,
) -> None:
    model = small_autoencoder()
    worse = SimilarityMetrics(mse=0.2, bce=0.5, ssim=0.1, psnr=7.0)
    better = SimilarityMetrics(mse=0.1, bce=0.4, ssim=0.2, psnr=10.0)
    for ours, theirs, weak in ((worse, better, True), (better, worse, False)):
        found = Reconstruction(
            pictures=6,
            judged_by="validation",
            autoencoder=ours,
            pca=theirs,
            pca_size=4,
            pca_pictures=24,
            picture_bytes=64,
            code_bytes=16,
        )
        coding = Coding(loss="mse", noise="none", noise_level=0, beta=None, reconstruction=found)
        provenance = model.provenance.model_copy(update={"coding": coding})
        told = report(replace(model, provenance=provenance))
        assert told.lead.startswith("Principal components do better") is weak
    with Run(tmp_path / "m.run") as kept:
        kept.agree("command", "autoencoder", "")
        kept.tell(Reconstructed(facts={}, lines=("l",), notes=("components do better (`beta`)",)))
        kept.finish()
    text = report(model, run=tmp_path / "m.run").html()
    assert "<li>components do better (beta)</li>" in text and "Nothing unusual" not in text


def test_of_a_fixed_first_layer_it_says_that_it_was_not_trained_here() -> None:
    model = small_model()
    plan = replace(model.plan, fixed=1)
    text = report(replace(model, plan=plan)).html()
    assert "over the epochs: not trained here, since the first layer is fixed" in text
