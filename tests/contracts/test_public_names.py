"""The exact public names, and that each can be had."""

from __future__ import annotations

import subprocess
import sys

import foveal


def test_the_public_names_are_these() -> None:
    assert foveal.__all__ == [
        "Autoencoder",
        "CNNClassifier",
        "CNNRegressor",
        "DataError",
        "DivergedError",
        "FittedModel",
        "FovealError",
        "Interrupted",
        "ModelFileError",
        "NetworkError",
        "PictureRecipe",
        "PictureWarning",
        "Plan",
        "Report",
        "ResourceError",
        "Run",
        "TransferClassifier",
        "TransferRegressor",
        "Tuning",
        "UsageError",
        "__version__",
        "anomalies",
        "build",
        "check",
        "cross_validate",
        "draw_attribution",
        "draw_designed",
        "draw_favourites",
        "draw_fields",
        "draw_kernel_history",
        "draw_kernels",
        "draw_maps",
        "draw_mistakes",
        "draw_steps",
        "draw_traversal",
        "draw_way",
        "evaluate",
        "every_page",
        "export",
        "gallery",
        "groups_sheet",
        "imagenet",
        "interpolate",
        "learning_curve",
        "list_pictures",
        "load",
        "look_page",
        "mistakes",
        "picture_groups",
        "picture_map",
        "plan",
        "receptive_field",
        "report",
        "similar",
        "similar_sheet",
        "tune",
        "unusual_sheet",
    ]
    assert all(getattr(foveal, name) is not None for name in foveal.__all__)
    assert dir(foveal) == foveal.__all__


def test_importing_imports_nothing_heavy() -> None:
    program = "import sys, foveal; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_training_and_predicting_leave_slow_imports_alone() -> None:
    program = (
        "import sys; from foveal import load; assert 'sklearn' not in sys.modules\n"
        "import numpy as np, foveal\n"
        "X, y = np.random.rand(40, 6, 6), np.arange(40) % 2\n"
        "model = foveal.CNNClassifier(epochs=1, threads=1).fit(X, y).model_\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
