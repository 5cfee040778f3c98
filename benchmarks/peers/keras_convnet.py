"""The convnet that keras.io documents for MNIST, on Fashion-MNIST. Runs in Keras' environment.

Two convolutions (32 and 64 kernels of 3x3), each with max pooling, dropout 0.5, one dense
layer; batch 128, Adam. Prints seconds and test accuracy after each epoch as JSON lines.
Source of the architecture: https://keras.io/examples/vision/mnist_convnet/
"""

import gzip
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np


def idx(path: Path, head: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=head)


folder, epochs = Path(sys.argv[1]), int(sys.argv[2])
data = {}
for part in ("train", "t10k"):
    images = idx(folder / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
    labels = idx(folder / f"{part}-labels-idx1-ubyte.gz", 8)
    data[part] = images.astype("float32") / 255, keras.utils.to_categorical(labels, 10)

layers = [keras.Input((28, 28, 1))]
for kernels in (32, 64):
    layers += [keras.layers.Conv2D(kernels, 3, activation="relu"), keras.layers.MaxPooling2D(2)]
layers += [keras.layers.Flatten(), keras.layers.Dropout(0.5)]
network = keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])
network.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
spent = 0.0
for epoch in range(epochs):
    began = time.perf_counter()
    network.fit(*data["train"], batch_size=128, epochs=1, verbose=0)
    spent += time.perf_counter() - began
    accuracy = float(network.evaluate(*data["t10k"], verbose=0)[1])
    print(json.dumps({"epoch": epoch + 1, "seconds": spent, "test": accuracy}), flush=True)
