"""What classification and regression put into a program, through the same record that any plugin's task uses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specc.emit.literal import literal
from specc.plugin import IDENTITY, Piece, Program

if TYPE_CHECKING:
    from specc.study import Study

_TRAIN, _ANSWERS, _METRICS = "specc.pieces.supervised", "specc.pieces.answers", "specc.pieces.metrics"
_LOSSES = "specc.pieces.losses"
_HOMES = {_TRAIN: "train", _ANSWERS: "deploy", "specc.pieces.findings": "data"}
_TARGETS = "<targets>"
_HEAD = "from typing import Any\n\nimport numpy as np\n\n\n"
_DEF = "def targets_of(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:\n"


def classification_program(study: Study) -> Program:
    """Two classes: one neuron; more: one each; so for findings."""
    output, width = study.spec.output, _width(study)
    if output.labels:
        return _findings_program(study)
    text = f"{_HEAD}CLASSES = {literal(tuple(output.classes))}\n\n\n{_DEF}"
    first = width == 1 and output.positive == output.classes[0]
    labels = 'np.array([CLASSES.index(row["label"]) for row in rows])'
    text += (
        '    """The place of each label in the list of classes."""\n'
        if not first
        else ('    """1 for the first class, which is the positive one, 0 for the second."""\n')
    )
    text += f'    return {{"target": {"1 - " if first else ""}{labels}}}\n'
    symbols: dict[str, Piece | str] = {
        **_common(study, "build", ("label",)),
        "Deploy": Piece(_ANSWERS, "TwoClasses" if width == 1 else "ManyClasses"),
        "scores": Piece(_METRICS, "two_class_scores" if width == 1 else "class_scores"),
        "to_pair": Piece(_ANSWERS, "positive_first" if first else "positive_second"),
    }
    symbols["OUTPUTS"] = _outputs(study, "probabilities")
    printed = {_TARGETS: ("data", text)}
    return Program(symbols, _HOMES, columns=_columns(study, {"label": "label"}), printed=printed)


def _findings_program(study: Study) -> Program:
    """One neuron a finding."""
    words, given = {f"labels.{name}": name for name in study.spec.output.labels}, study.spec.data.columns or {}
    text = "import numpy as np\nfrom typing import Any\n\nfrom specc.pieces.findings import finding\n\n\n"
    text += f"FINDINGS = {literal(tuple(words))}\n\n\n{_DEF}"
    text += '    """(N, L): for each finding 1, 0, or -100 where the table says nothing."""\n'
    text += '    return {"target": np.array([[finding(row[name]) for name in FINDINGS] for row in rows])}\n'
    symbols: dict[str, Piece | str] = {
        **_common(study, "build", tuple(words)),
        "Deploy": Piece(_ANSWERS, "Findings"),
        "scores": Piece(_METRICS, "finding_scores"),
        "OUTPUTS": _outputs(study, "probabilities"),
    }
    columns = {word: given.get("labels", {}).get(name, name) for word, name in words.items()}
    printed = {_TARGETS: ("data", text)}
    return Program(symbols, _HOMES, columns=_columns(study, columns), printed=printed)


def regression_program(study: Study) -> Program:
    """One neuron a target."""
    output, words = study.spec.output, _targets(study)
    cells = ", ".join(f"float(row[{literal(word)}])" for word in words)
    text = f'{_HEAD}{_DEF}    """(N, {len(words)}) numbers, in their own units."""\n'
    text += f'    return {{"target": np.array([[{cells}] for row in rows], np.float32)}}\n'
    build = "build_standardized" if output.standardize else "build"
    symbols: dict[str, Piece | str] = {
        **_common(study, build, tuple(words)),
        "Deploy": Piece(_ANSWERS, "Values"),
        "scores": Piece(_METRICS, "value_scores"),
        "OUTPUTS": _outputs(study, "values"),
    }
    printed = {_TARGETS: ("data", text)}
    return Program(symbols, _HOMES, columns=_columns(study, {word: words[word] for word in words}), printed=printed)


def classification_contract(study: Study) -> Mapping[str, Any]:
    """Classes in order, the positive one where a single neuron speaks for it; or findings in order."""
    output = study.spec.output
    if output.labels:
        return {"labels": list(output.labels), "aggregate": output.aggregate, **_code(study)}
    positive = (output.positive or output.classes[1]) if len(output.classes) == 2 else None
    return {"classes": list(output.classes), "positive": positive, "aggregate": output.aggregate, **_code(study)}


def regression_contract(study: Study) -> Mapping[str, Any]:
    """Targets with their units."""
    output = study.spec.output
    if output.targets:
        return {"targets": dict(output.targets), "aggregate": output.aggregate, **_code(study)}
    return {"target": output.target, "unit": output.unit, "aggregate": output.aggregate, **_code(study)}


def _common(study: Study, build: str, truth: tuple[str, ...]) -> dict[str, Piece | str]:
    return {
        "build": Piece(_TRAIN, build),
        "export_model": Piece(_TRAIN, "export_answer"),
        "targets_of": Piece(_TARGETS, "targets_of"),
        "TRUTH": literal(truth),
        "WIDTH_OUT": literal(_width(study)),
        "weighed": _weighed(study),
        "LEAST": _least(study),
        "CLASSES_OUT": literal(max(2, _width(study))),
        "coded": Piece(_ANSWERS, "Coded") if study.passed["network"].code else IDENTITY,
        "inner": Piece(_ANSWERS, "network_of") if build == "build_standardized" else IDENTITY,
    }


def _outputs(study: Study, numbers: str) -> str:
    """Of the exported module; the code of a network that has one comes last."""
    return literal(("answer", numbers, "ood_score", "accepted", *(("code",) if study.passed["network"].code else ())))


def _code(study: Study) -> dict[str, list[int]]:
    """The form of the code, where the network has one."""
    graph = study.passed["network"]
    return {"code": list(graph.shape_of(graph.code))} if graph.code else {}


def _least(study: Study) -> str:
    """The loss of a network that is always right: the entropy of smoothed targets, and what blends leave open."""
    alphas = [call.args.alpha for call in study.spec.augment if call.name == "mixup"]
    if study.task.name == "regression":
        return literal(0.0)
    classes, total = 2 if getattr(study.spec.output, "labels", None) else max(2, _width(study)), 0.0
    for call in study.spec.loss["network"]:
        share = getattr(call.args, "label_smoothing", 0.0) / classes
        if share:
            right = 1 - (classes - 1) * share
            total -= call.args.weight * (right * math.log(right) + (classes - 1) * share * math.log(share))
        total += call.args.weight * sum(_blended(alpha) for alpha in alphas)
    return literal(total)


def _blended(alpha: float) -> float:
    """Mean entropy of two answers with shares from Beta(alpha, alpha): digamma(2 alpha + 1) - digamma(alpha + 1)."""

    def digamma(x: float) -> float:
        if x < 8:
            return digamma(x + 1) - 1 / x
        return math.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4)

    return digamma(2 * alpha + 1) - digamma(alpha + 1)


def _weighed(study: Study) -> Piece | str:
    """What fits the loss to the training targets: class weights, where the spec wants them counted."""
    if not any(getattr(call.args, "class_weights", None) == "balanced" for call in study.spec.loss["network"]):
        return IDENTITY
    return Piece(_LOSSES, "balanced_findings" if getattr(study.spec.output, "labels", None) else "balanced")


def _width(study: Study) -> int:
    graph = study.passed["network"]
    (end,) = graph.outputs.values()
    return graph.shape_of(end)[0]


def _targets(study: Study) -> dict[str, str]:
    """Keys of a row -> columns of the manifest."""
    output, columns = study.spec.output, study.spec.data.columns or {}
    if output.targets:
        named = columns.get("targets", {})
        return {f"targets.{name}": named.get(name, name) for name in output.targets}
    return {"target": columns.get("target", "target")}


def _columns(study: Study, words: dict[str, str]) -> dict[str, str]:
    given = study.spec.data.columns or {}
    named = {word: given[word] if isinstance(given.get(word), str) else column for word, column in words.items()}
    return named | ({"patient": given["patient"]} if "patient" in given else {})
