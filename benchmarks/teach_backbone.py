"""Teach an architecture of timm the training pictures of Fashion-MNIST, where no hub is reached.

    python benchmarks/teach_backbone.py resnet18 resnet18.safetensors [--pictures 30000]
    python benchmarks/export.py int8 FASHION-MNIST --only resnet18 --weights resnet18.safetensors

What eight bits cost tells something with weights that were learned alone: random ones answer by
next to nothing. The network is taught by a plain loop of torch (Adam, one cycle, grey in three
channels, 32x32), for no more than that; its accuracy on the test pictures is printed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import safetensors.torch
import timm
import torch
from fashion_mnist import DATA
from machine import describe

from foveal.pictures.sources import gather

SIDE, BATCH, RATE = 32, 128, 2e-3


def shown(images: torch.Tensor, rows: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield batches of rows, and their pictures."""
    for some in torch.split(rows, BATCH):
        grey = images[some].float().div(255).sub(0.5).mul(2)[:, None]
        yield (
            some,
            torch.nn.functional.interpolate(grey, SIDE, mode="bilinear").expand(-1, 3, -1, -1),
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--pictures", type=int, default=30_000)
    parser.add_argument("--epochs", type=int, default=2)
    asked = parser.parse_args()
    print(describe(), flush=True)
    pictures = gather(Path(asked.data))
    assert pictures.content.in_memory is not None and pictures.labels is not None
    images = torch.from_numpy(np.array(pictures.content.in_memory[..., 0]))
    codes = torch.from_numpy(np.array(pictures.labels).astype(np.int64))
    torch.manual_seed(0)
    network = timm.create_model(asked.name, num_classes=10)
    taught = torch.from_numpy(pictures.rows("train"))
    taught = taught[torch.randperm(len(taught))[: asked.pictures]]
    steps = asked.epochs * -(-len(taught) // BATCH)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    began = time.perf_counter()
    for epoch in range(asked.epochs):
        for some, batch in shown(images, taught[torch.randperm(len(taught))]):
            loss = torch.nn.functional.cross_entropy(network(batch), codes[some])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            rate.step()
        print(
            f"epoch {epoch + 1}: {loss.item():.3f}, {time.perf_counter() - began:.0f} s", flush=True
        )
    network.eval()
    tested = torch.from_numpy(pictures.rows("test"))
    with torch.inference_mode():
        right = sum(
            int((network(batch).argmax(1) == codes[some]).sum())
            for some, batch in shown(images, tested)
        )
    print(f"{right} of {len(tested)} test pictures right")
    safetensors.torch.save_file(network.state_dict(), asked.file)


if __name__ == "__main__":
    main()
