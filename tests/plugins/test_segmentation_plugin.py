"""The plugin as a whole: the suite that every plugin is held to."""

from __future__ import annotations

from pathlib import Path

import pytest
from specc_segmentation import PLUGIN

from specc.testing import check_plugin


@pytest.mark.slow
def test_the_suite_of_plugins(tmp_path: Path) -> None:
    """Programs that need nothing of specc, two equal trainings, one that was killed, the same answers from ONNX."""
    check_plugin(PLUGIN, tmp_path)


def test_words_rules_and_programs(tmp_path: Path) -> None:
    """The same without training."""
    check_plugin(PLUGIN, tmp_path, train=False)
