"""Table 1 of Wataya et al. 2020 (Jpn J Radiol) as data, with everything around it: what fits, what may be allowed.

Every combination of problem, output layer, neurons, activation and loss has a verdict: `fits` (a row of Table 1),
`allow:NAME[,NAME]` (sound, but outside; needs those names under `allow`), or the code of the rule that forbids it.
The first row that matches counts; `*` matches everything and `a/b` either.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from specc.rules.common import Head, head

if TYPE_CHECKING:
    from specc.plugin import Call
    from specc.study import Study

PROBLEMS = ("two_classes", "more_classes", "regression")
LAYERS = ("dense", "pooled_conv", "other")
NEURONS = ("one", "each", "other")  # each: one per class or quantity
ACTIVATIONS = ("none", "sigmoid", "softmax", "other")
LOSSES = (
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
    "fitting",  # a plugin's loss that says it fits this activation
    "other",
)
ALLOW = {
    "two_class_softmax": "two classes with two softmax outputs instead of one sigmoid",
    "convolutional_output": "a convolution with global pooling as output layer instead of a dense one",
    "mean_absolute_error": "mean absolute error instead of mean squared error",
    "huber": "Huber's loss instead of mean squared error",
    "other_loss": "a plugin's loss instead of the one of Table 1",
}

_ROWS = """
two_classes  | dense       | one       | sigmoid      | binary_cross_entropy      -> fits
more_classes | dense       | each      | softmax      | categorical_cross_entropy -> fits
regression   | dense       | each      | none         | mean_squared_error        -> fits

two_classes  | dense       | each      | softmax      | categorical_cross_entropy -> allow:two_class_softmax
two_classes  | pooled_conv | each      | softmax      | categorical_cross_entropy -> allow:two_class_softmax,convolutional_output
two_classes  | pooled_conv | one       | sigmoid      | binary_cross_entropy      -> allow:convolutional_output
more_classes | pooled_conv | each      | softmax      | categorical_cross_entropy -> allow:convolutional_output
regression   | pooled_conv | each      | none         | mean_squared_error        -> allow:convolutional_output
regression   | dense       | each      | none         | mean_absolute_error       -> allow:mean_absolute_error
regression   | dense       | each      | none         | huber                     -> allow:huber
regression   | pooled_conv | each      | none         | mean_absolute_error       -> allow:convolutional_output,mean_absolute_error
regression   | pooled_conv | each      | none         | huber                     -> allow:convolutional_output,huber
two_classes  | dense       | one       | sigmoid      | fitting                   -> allow:other_loss
two_classes  | dense       | each      | softmax      | fitting                   -> allow:two_class_softmax,other_loss
more_classes | dense       | each      | softmax      | fitting                   -> allow:other_loss
regression   | dense       | each      | none         | fitting                   -> allow:other_loss
two_classes  | pooled_conv | one       | sigmoid      | fitting                   -> allow:convolutional_output,other_loss
two_classes  | pooled_conv | each      | softmax      | fitting                   -> allow:two_class_softmax,convolutional_output,other_loss
more_classes | pooled_conv | each      | softmax      | fitting                   -> allow:convolutional_output,other_loss
regression   | pooled_conv | each      | none         | fitting                   -> allow:convolutional_output,other_loss

*            | other       | *         | *            | *                         -> S206
two_classes  | *           | one       | softmax      | *                         -> S207
more_classes | *           | one       | softmax      | *                         -> S207
regression   | *           | *         | sigmoid/softmax/other | *                -> S205
two_classes  | *           | each      | softmax      | *                         -> S204
two_classes  | *           | each      | *            | *                         -> S201
*            | *           | other     | *            | *                         -> S202
more_classes | *           | one       | *            | *                         -> S202
regression   | *           | one       | *            | *                         -> S202
more_classes | *           | each      | none/sigmoid/other | *                   -> S203
two_classes  | *           | one       | none/other   | *                         -> S203
*            | *           | *         | *            | *                         -> S204
"""  # noqa: E501


def rows() -> tuple[tuple[tuple[str, ...], str], ...]:
    """The table as (five patterns, verdict)."""
    found = []
    for line in _ROWS.strip().splitlines():
        if line.strip():
            patterns, verdict = line.split("->")
            found.append((tuple(part.strip() for part in patterns.split("|")), verdict.strip()))
    return tuple(found)


@lru_cache(maxsize=1)
def _parsed() -> tuple[tuple[tuple[frozenset[str] | None, ...], str], ...]:
    return tuple(
        (tuple(None if part == "*" else frozenset(part.split("/")) for part in patterns), verdict)
        for patterns, verdict in rows()
    )


def verdict(problem: str, layer: str, neurons: str, activation: str, loss: str) -> str:
    """`fits`, `allow:...` or a code, for one combination."""
    facts = (problem, layer, neurons, activation, loss)
    for patterns, found in _parsed():
        if all(part is None or fact in part for part, fact in zip(patterns, facts, strict=True)):
            return found
    raise AssertionError(facts)  # the last row matches everything


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Table 1 says of a study, and what it looked at."""

    verdict: str
    head: Head
    problem: str
    wanted: int  # classes, or quantities
    call: Call  # the loss that the verdict is about
    missing: tuple[str, ...] = ()  # names that `allow` lacks

    @property
    def code(self) -> str:
        """The rule that speaks, or an empty text where nothing is wrong."""
        if not self.verdict.startswith("allow:"):
            return "" if self.verdict == "fits" else self.verdict
        if not self.missing:
            return ""
        return "S201" if "two_class_softmax" in self.missing else "S208"


def judge(study: Study) -> Judgement | None:
    """The verdict on a classification or regression with one network; None where it cannot be told yet."""
    wanted = _wanted(study)
    if len(study.graphs) != 1 or wanted < 1:
        return None
    graph = next(iter(study.graphs.values()))
    found = head(study, graph)
    problem = "regression" if study.task.name == "regression" else "two_classes" if wanted == 2 else "more_classes"
    best: Judgement | None = None
    for call in next(iter(study.spec.loss.values())):
        judgement = _one(study, found, problem, wanted, call)
        if judgement.code:
            return judgement
        if best is None or (best.verdict == "fits" and judgement.verdict != "fits"):
            best = judgement
    return best


def _wanted(study: Study) -> int:
    if study.task.name == "classification":
        classes = len(study.spec.output.classes)
        return classes if classes >= 2 else 0
    if study.task.name == "regression":
        return len(study.spec.output.targets or ("target",))
    return 0


def _one(study: Study, found: Head, problem: str, wanted: int, call: Call) -> Judgement:
    each = "each" if found.neurons == wanted else "one" if found.neurons == 1 else "other"
    activation = found.activation if found.activation in ACTIVATIONS else "other"
    loss = call.name if call.name in LOSSES else "other"
    if call.name not in LOSSES and found.activation in study.registry.losses[call.name].fits:
        loss = "fitting"
    said = verdict(problem, found.layer, each, activation, loss)
    names = said.removeprefix("allow:").split(",") if said.startswith("allow:") else ()
    missing = tuple(name for name in names if name not in study.spec.allow)
    return Judgement(said, found, problem, wanted, call, missing)


def used(study: Study) -> set[str]:
    """Names under `allow` that the study needs."""
    judgement = judge(study)
    if judgement is None or not judgement.verdict.startswith("allow:"):
        return set()
    return set(judgement.verdict.removeprefix("allow:").split(","))


ROW_TEXT = {
    "two_classes": "classification with two classes (Table 1): one neuron, sigmoid, binary cross entropy",
    "more_classes": "classification with more than two classes (Table 1): one neuron per class, softmax, "
    "categorical cross entropy",
    "regression": "regression (Table 1): one neuron per quantity, no activation, mean squared error",
}
