"""A new head on a frozen MobileNetV2, by TensorFlow's tutorial. Runs in Keras' own env.

    python keras_transfer.py FOLDER [EPOCHS=10] [SEED=0]

FOLDER holds train/CLASS/ and test/CLASS/, two classes. The recipe of
https://www.tensorflow.org/tutorials/images/transfer_learning up to its fine-tuning: 160x160
pixels, batches of 32, flips and rotations, the frozen body, global average pooling, dropout 0.2,
one dense unit, Adam at 1e-4, 10 epochs. The tutorial only prefetches; caching decoded pictures
too, as Keras' guide https://keras.io/guides/transfer_learning/ does, is to Keras' advantage.

The body has random weights, since those of ImageNet are a download of their own: the time is
the recipe's, THE ACCURACY MEANS NOTHING.

Prints a JSON line after each epoch, with the seconds since the start and the accuracy on test/,
and one at the end.
"""

import time

BEGAN = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402


class Tell(keras.callbacks.Callback):
    """Print a line after each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Tell seconds and accuracy."""
        told = {"epoch": epoch + 1, "seconds": time.perf_counter() - BEGAN}
        print(json.dumps({**told, "accuracy": float(logs["val_accuracy"])}), flush=True)


def main(folder: str, epochs: int = 10, seed: int = 0, side: int = 160) -> None:
    """Train and tell."""
    keras.utils.set_random_seed(seed)
    parts, pictures = {}, 0
    for part in ("train", "test"):
        read = keras.utils.image_dataset_from_directory(
            f"{folder}/{part}",
            label_mode="binary",
            batch_size=32,
            image_size=(side, side),
            verbose=False,
        )
        pictures = len(read.file_paths)
        parts[part] = read.cache().prefetch(tf.data.AUTOTUNE)
    body = keras.applications.MobileNetV2((side, side, 3), include_top=False, weights=None)
    body.trainable = False
    inputs = keras.Input((side, side, 3))
    flow = keras.layers.RandomFlip("horizontal")(inputs)
    flow = keras.layers.RandomRotation(0.2)(flow)
    flow = keras.applications.mobilenet_v2.preprocess_input(flow)
    flow = keras.layers.GlobalAveragePooling2D()(body(flow, training=False))
    flow = keras.layers.Dropout(0.2)(flow)
    network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(flow))
    network.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
    told = network.fit(
        parts["train"],
        epochs=epochs,
        validation_data=parts["test"],
        callbacks=[Tell()],
        verbose=0,
    )
    last = float(told.history["val_accuracy"][-1])
    total = time.perf_counter() - BEGAN
    print(json.dumps({"total": total, "accuracy": last, "pictures": pictures}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
