"""`foveal demo`: real digits and photographs, trained and reused networks, within a minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.options import Threads, interruptible

if TYPE_CHECKING:
    from foveal.training.run import Run

SHADES = 16
"""Shades of grey in scikit-learn's digits."""
FIRST = 5
"""Digits below this one teach the kernels that are reused on the others."""
CODE = 8
"""Numbers of the code that the autoencoder narrows digits to."""
DRAWS = 3
"""Times that they are drawn."""
EACH = 10
"""Pictures of each of the other digits to learn from."""


def demo(
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for pictures, model and predictions.")
    ] = Path("foveal-demo"),
    threads: Threads = None,
) -> None:
    """Train a network on 1,797 handwritten digits, reuse kernels, and show what came of it.

    Digits (Alpaydin and Kaynak, 1998) and photographs come with scikit-learn; nothing is
    downloaded.
    """
    from foveal.cli.progress import shown_progress
    from foveal.estimators.cnn import CNNClassifier
    from foveal.files import told
    from foveal.judging.evaluation import evaluate
    from foveal.judging.lines import lines_of_evaluation
    from foveal.pictures.sources import gather
    from foveal.tables import write_table
    from foveal.training.run import Run

    pictures, model = to / "digits", to / "digits.safetensors"
    with told(f"--to {to}"):
        to.mkdir(parents=True, exist_ok=True)
        if not pictures.exists():
            _write_digits(pictures)
    typer.echo(f"pictures    {pictures}: one folder a class")
    learner = CNNClassifier(test_share=0.2, random_state=0, threads=threads)
    with shown_progress() as show:
        with Run(model.with_suffix(".run"), fresh=True, listeners=[show]) as run:
            _train(learner, pictures, model, run)
        found = evaluate(learner.model_, pictures)
    typer.echo("\n".join(lines_of_evaluation(found)))
    table = to / "predictions.csv"
    predicted = learner.model_.predictions(gather(pictures))
    write_table(table, predicted.columns, [predicted.rows()])
    _reuse(threads)
    figure = _narrow(pictures, to, threads)
    _recognise(threads)
    typer.echo("")
    typer.echo(f"model        {model}")
    typer.echo(f"run          {model.with_suffix('.run')}")
    typer.echo(f"predictions  {table}")
    typer.echo(f"gallery      {figure}")
    typer.echo(f"next: foveal predict {model} {pictures / '3' / '3.0.png'}")


def _train(learner: object, pictures: Path, model: Path, run: Run) -> None:
    from foveal.estimators.cnn import CNNClassifier

    assert isinstance(learner, CNNClassifier)
    with interruptible(run):
        learner.fit(pictures, run=run)
        learner.model_.save(model)
        run.finish(model)


def _reuse(threads: int | None) -> None:
    """Learn kernels on some digits and reuse them on the others, with a few pictures of each."""
    import numpy as np
    from sklearn.datasets import load_digits

    from foveal.estimators.cnn import CNNClassifier
    from foveal.estimators.transfer import TransferClassifier
    from foveal.evaluation.intervals import wilson

    X, y = load_digits(return_X_y=True)
    low = y < FIRST
    backbone = CNNClassifier(random_state=0, threads=threads).fit(X[low], y[low]).model_
    others = np.flatnonzero(~low)
    learners: dict[str, TransferClassifier | CNNClassifier] = {
        "kernels reused": TransferClassifier(backbone, random_state=0, threads=threads),
        "from scratch": CNNClassifier(random_state=0, threads=threads),
    }
    typer.echo("")
    typer.echo(
        f"transfer: kernels learned on the digits 0-{FIRST - 1} stay fixed; of {FIRST}-9 there "
        f"are {EACH} pictures each"
    )
    for name, learner in learners.items():
        right = judged = 0
        for draw in range(DRAWS):
            order = np.random.default_rng(draw).permutation(others)
            few = np.concatenate([order[y[order] == digit][:EACH] for digit in range(FIRST, 10)])
            rest = np.setdiff1d(others, few)
            called = learner.fit(X[few], y[few]).predict(X[rest])
            right, judged = right + int((called == y[rest]).sum()), judged + len(rest)
        plan = learner.model_.plan
        learned = plan.parameters - sum(one.parameters for one in plan.layers[: plan.fixed])
        share = wilson(right, judged).percent()
        typer.echo(f"  {name:<16} {share}, {learned:,} numbers learned")


def _narrow(pictures: Path, to: Path, threads: int | None) -> Path:
    """Learn without labels to encode the digits and to decode them again, and show some."""
    import numpy as np

    from foveal.cli.progress import shown_progress
    from foveal.estimators.autoencoder import Autoencoder
    from foveal.figures.gallery import gallery
    from foveal.pictures.sources import gather
    from foveal.training.run import Run

    typer.echo("")
    typer.echo(f"autoencoder: 64 pixels to {CODE} numbers and back, without labels")
    model = to / "codes.safetensors"
    learner = Autoencoder(code_size=CODE, test_share=0.2, random_state=0, threads=threads)
    with shown_progress() as show:
        run = Run(listeners=[show])
        with interruptible(run):
            learner.fit(pictures, run=run).save(str(model))
    found = learner.reconstruction_
    assert found is not None
    typer.echo(
        f"  squared error on {found.pictures} test pictures {found.autoencoder.mse:.4f}, of PCA "
        f"with as many numbers {found.pca.mse:.4f}"
    )
    codes = learner.transform(pictures)
    made = learner.inverse_transform(codes)
    typer.echo(f"  encoded to {codes.shape}, decoded to {made.shape}; the first code:")
    typer.echo(f"  {np.round(codes[0], 1)}")
    figure = to / "reconstructions.png"
    gallery(learner.model_, gather(pictures), 12).save(figure)
    return figure


def _recognise(threads: int | None) -> None:
    """Name what is on two photographs by a network that ImageNet trained."""
    from sklearn.datasets import load_sample_images

    from foveal.model.imagenet import imagenet

    found = load_sample_images()
    model = imagenet(threads=threads)
    typer.echo("")
    typer.echo("two photographs through EfficientNet-Lite0, pretrained on ImageNet")
    for name, picture in zip(found.filenames, found.images, strict=True):
        shares = model.predict_proba(picture[None])[0]
        best = shares.argmax()
        typer.echo(f"  {Path(name).name:<16} {model.classes[best]}, {100 * shares[best]:.1f} %")


def _write_digits(folder: Path) -> None:
    """Write the digits as PNG files, one folder a class, whole or not at all."""
    from PIL import Image
    from sklearn.datasets import load_digits

    from foveal.files import whole_folder

    digits = load_digits()
    with whole_folder(folder) as working:
        for index, (image, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
            place = working / str(digit)
            place.mkdir(exist_ok=True)
            shades = (image * (255 / SHADES)).round().astype("uint8")
            Image.fromarray(shades).save(place / f"{digit}.{index}.png")
