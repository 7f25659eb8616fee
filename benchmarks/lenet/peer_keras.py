"""LeNet in Keras 3 on PyTorch, images in memory; channels first, which is the quicker order there.

python peer_keras.py TABLE
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"  # read when Keras is imported

import keras
from common import BATCH, CLASSES, LEARNING_RATE, arguments, decode, read_table, say
from keras import layers


def lenet() -> keras.Model:
    keras.config.set_image_data_format("channels_first")
    return keras.Sequential(
        [
            keras.Input((1, 32, 32)),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(CLASSES),
        ]
    )


class Report(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Tells of each epoch when it is over."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        figures = {"train_loss": logs["loss"], "val_loss": logs["val_loss"], "accuracy": logs["val_accuracy"]}
        say("epoch", epoch=epoch + 1, **figures)


def main() -> None:
    options = arguments()
    keras.utils.set_random_seed(options.seed)
    (train, labels), (val, val_labels) = (decode(read_table(options.table, part)) for part in ("train", "val"))
    net = lenet()
    net.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    keep = keras.callbacks.ModelCheckpoint(
        options.out / "best.weights.h5", monitor="val_loss", save_best_only=True, save_weights_only=True
    )
    net.fit(
        train[:, None],
        labels,
        batch_size=BATCH,
        epochs=options.epochs,
        validation_data=(val[:, None], val_labels),
        validation_batch_size=256,
        callbacks=[keep, Report()],
        verbose=0,
    )
    say("trained")


if __name__ == "__main__":
    main()
