"""What held-out pictures decide, where the parts of a table do not hold the same labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from foveal import CNNClassifier, evaluate
from support.several import pictures

NET = "conv 4 5x5 stride 2 relu | globalpool | dense"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Write a table of which the test part alone has pictures that bear "new"."""
    images, there = pictures(48, 0)
    lines = ["path,label,split"]
    for row, (image, bears) in enumerate(zip(images, there, strict=True)):
        Image.fromarray(image).save(tmp_path / f"{row}.png")
        part = "test" if row >= 36 else "train"
        labels = ["dark", "left"][int(bears[1])] + ";new" * (part == "test" and row % 2)
        lines.append(f"{row}.png,{labels},{part}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    return tmp_path / "table.csv"


def test_a_label_of_the_test_part_alone_is_given_to_no_picture_and_judged_as_missed(
    table: Path,
) -> None:
    learner = CNNClassifier(net=NET, epochs=1, separator=";", random_state=0, threads=1)
    model = learner.fit(table).model_
    assert model.target.names.tolist() == ["dark", "left", "new"]
    assert model.target.cuts[2] == 1
    metrics = evaluate(model, table, with_baselines=False).metrics
    (new,) = (one for one in metrics.labels if one.label == "new")
    assert (new.pictures, new.recall.value, new.called) == (6, 0, 0)
