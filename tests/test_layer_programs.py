"""A program with layers of the core set: trains, is killed and goes on to the bit, and leaves with the same answers."""

from __future__ import annotations

import json
from pathlib import Path

from killing import USUAL, Hurt, Running, differences, finish, make_study, outcome

LAYERS = """\
    - batchnorm
    - relu
    - maxpool: {size: 2, id: small}
    - gaussian_noise: {std: 0.1}
    - spatial_dropout: {rate: 0.2}
    - l2norm: {scale: 2}
    - unpool: {with: small, id: large}
    - maxpool: {size: 2}
    - upconv2d: {filters: 6, kernel: 4, stride: 2, padding: same, init: bilinear, lr_scale: 0}
    - prelu
    - instancenorm
    - concat: {with: large}
    - conv2d: {filters: 4, kernel: 1, activation: scaled_tanh, lr_scale: 0.5}
    - groupnorm: {groups: 2, id: both}
    - global_avgpool
    - layernorm
    - maxout: {units: 4, pieces: 2}
    - sigmoid
    - multiply: {with: both}
    - local_response_norm: {size: 3}
    - pad: {size: 1, mode: reflect}
    - crop: {to: [12, 13]}
    - upsample: {mode: bilinear}
    - adaptive_avgpool: {size: 6}
    - reshape: {to: [16, 3, 3]}
    - pixel_shuffle"""
SGD = "{sgd: {learning_rate: 0.02, momentum: 0.9, weight_decay: 0.01}}"


def test_trains_goes_on_and_leaves(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", SGD, LAYERS, USUAL % 3)
    whole = Running(study, study.run("whole"), "--workers", "1")
    assert whole.end(300) == 0, (whole.errors[-2000:], whole.told("error"))
    parity = json.loads((study.run("whole") / "parity.json").read_bytes())
    assert parity["passed"], parity
    killed = study.run("killed")
    for hurt in (Hurt("share_gradients", 4), Hurt("replace", 3)):
        running = Running(study, killed, "--workers", "1", "--checkpoint-seconds", "0", "--resume", hurt=hurt)
        assert running.end(300) != 0
    finish(study, killed, "--workers", "1", "--checkpoint-seconds", "0", "--resume")
    assert not differences(killed, outcome(study.run("whole")))
