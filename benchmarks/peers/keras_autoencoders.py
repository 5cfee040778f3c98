"""Two autoencoders of the Keras blog on Fashion-MNIST. Runs in Keras' environment.

"simple": 784-32-784, relu and sigmoid; "deep": 784-128-64-32-64-128-784. Adam, binary
cross-entropy, batch 256. Prints the seconds of ``fit``, the squared error and the cross-entropy
on the test pictures as one JSON line.
Source: https://blog.keras.io/building-autoencoders-in-keras.html
"""

import gzip
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np

folder, which, epochs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
train, test = (
    np.frombuffer(
        gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16
    ).reshape(-1, 784)
    / np.float32(255)
    for part in ("train", "t10k")
)
inner = {"simple": (32,), "deep": (128, 64, 32, 64, 128)}[which]
layers = [keras.Input((784,))]
layers += [keras.layers.Dense(nodes, activation="relu") for nodes in inner]
network = keras.Sequential([*layers, keras.layers.Dense(784, activation="sigmoid")])
network.compile("adam", "binary_crossentropy")
began = time.perf_counter()
network.fit(train, train, epochs=epochs, batch_size=256, shuffle=True, verbose=0)
seconds = time.perf_counter() - began
made = network.predict(test, batch_size=256, verbose=0)
sure = np.clip(made, 1e-7, 1 - 1e-7)
entropy = -(test * np.log(sure) + (1 - test) * np.log1p(-sure)).mean(dtype=np.float64)
error = ((test - made) ** 2).mean(dtype=np.float64)
print(json.dumps({"seconds": seconds, "mse": float(error), "bce": float(entropy)}))
