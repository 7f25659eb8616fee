"""Table 1 of Wataya et al. 2020 (Jpn J Radiol) as data, with everything around it: what fits, what may be allowed.

Every combination of form of output, output layer, neurons, activation, loss and options of the loss has a verdict:
`fits` (a row of Table 1, or of its extension to findings and several values), `allow:NAME[,NAME]` (sound, but outside
of the table; needs those names under `allow`), or the code of the rule that forbids it.

`ROWS` says what is sound and which rule speaks where something is not; `OUTSIDE` names what a sound choice departs
from the table in. In `ROWS` the first line that matches counts; in `OUTSIDE` all of them. `*` matches everything and
`a/b` either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from specc.rules.common import Head, head, plural

if TYPE_CHECKING:
    from specc.plugin import Call
    from specc.study import Study

FORMS = ("two_classes", "more_classes", "findings", "one_value", "several_values")
LAYERS = ("dense", "pooled_conv", "other")
NEURONS = ("one", "each", "other")  # each: one per class, finding or quantity
ACTIVATIONS = ("none", "sigmoid", "softmax", "other")
LOSSES = (
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "focal",
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
    "fitting",  # a plugin's loss that says it fits this activation
    "other",
)
OPTIONS = ("plain", "label_smoothing", "class_weights", "both")
AXES = (FORMS, LAYERS, NEURONS, ACTIVATIONS, LOSSES, OPTIONS)

ROWS = """
two_classes    | dense/pooled_conv | one   | sigmoid | binary_cross_entropy/focal/fitting              -> sound
two_classes    | dense/pooled_conv | each  | softmax | categorical_cross_entropy/focal/fitting         -> sound
more_classes   | dense/pooled_conv | each  | softmax | categorical_cross_entropy/focal/fitting         -> sound
findings       | dense/pooled_conv | each  | sigmoid | binary_cross_entropy/focal/fitting              -> sound
one_value      | dense/pooled_conv | each  | none    | mean_squared_error/mean_absolute_error/huber/fitting -> sound
several_values | dense/pooled_conv | each  | none    | mean_squared_error/mean_absolute_error/huber/fitting -> sound

*                         | other | *     | *                     | * -> S206
two_classes/more_classes  | *     | one   | softmax               | * -> S207
one_value/several_values  | *     | *     | sigmoid/softmax/other | * -> S205
two_classes               | *     | each  | softmax               | * -> S204
two_classes               | *     | each  | *                     | * -> S201
*                         | *     | other | *                     | * -> S202
more_classes              | *     | one   | *                     | * -> S202
findings                  | *     | one   | *                     | * -> S202
one_value/several_values  | *     | one   | *                     | * -> S202
two_classes               | *     | one   | none/other            | * -> S203
more_classes              | *     | each  | none/sigmoid/other    | * -> S203
findings                  | *     | each  | none/softmax/other    | * -> S203
*                         | *     | *     | *                     | * -> S204
"""
OUTSIDE = """
two_classes | *           | each | softmax | *                   | *                    -> two_class_softmax
*           | pooled_conv | *    | *       | *                   | *                    -> convolutional_output
*           | *           | *    | *       | focal               | *                    -> focal
*           | *           | *    | *       | mean_absolute_error | *                    -> mean_absolute_error
*           | *           | *    | *       | huber               | *                    -> huber
*           | *           | *    | *       | fitting             | *                    -> other_loss
*           | *           | *    | *       | *                   | label_smoothing/both -> label_smoothing
*           | *           | *    | *       | *                   | class_weights/both   -> class_weights
"""
ALLOW = {
    "two_class_softmax": "two classes with two softmax outputs instead of one sigmoid",
    "convolutional_output": "a convolution with global pooling as output layer instead of a dense one",
    "mean_absolute_error": "mean absolute error instead of mean squared error",
    "huber": "Huber's loss instead of mean squared error",
    "focal": "focal loss instead of cross entropy",
    "other_loss": "a plugin's loss instead of the one of Table 1",
    "label_smoothing": "cross entropy with label smoothing",
    "class_weights": "a loss in which classes have different weights",
}
ROW_TEXT = {
    "two_classes": "classification with two classes (Table 1): one neuron, sigmoid, binary cross entropy",
    "more_classes": "classification with more than two classes (Table 1): one neuron per class, softmax, "
    "categorical cross entropy",
    "findings": "several findings per image (beside Table 1): one neuron per finding, sigmoid, binary cross entropy",
    "one_value": "regression (Table 1): one neuron, no activation, mean squared error",
    "several_values": "regression (Table 1): one neuron per quantity, no activation, mean squared error",
}
RIGHT = {  # activation and loss of each row
    "two_classes": ("sigmoid", "binary_cross_entropy"),
    "more_classes": ("softmax", "categorical_cross_entropy"),
    "findings": ("sigmoid", "binary_cross_entropy"),
    "one_value": ("none", "mean_squared_error"),
    "several_values": ("none", "mean_squared_error"),
}
Patterns = tuple[frozenset[str] | None, ...]


def parse(text: str) -> tuple[tuple[Patterns, str], ...]:
    """Lines of a table as (patterns, result); None matches everything."""
    found = []
    for line in filter(str.strip, text.splitlines()):
        patterns, result = line.split("->")
        parts = (part.strip() for part in patterns.split("|"))
        found.append((tuple(None if part == "*" else frozenset(part.split("/")) for part in parts), result.strip()))
    return tuple(found)


@lru_cache(maxsize=1)
def _tables() -> tuple[tuple[tuple[Patterns, str], ...], ...]:
    return parse(ROWS), parse(OUTSIDE)


def matches(patterns: Patterns, facts: tuple[str, ...]) -> bool:
    """Whether a line of a table is about these facts."""
    return all(part is None or fact in part for part, fact in zip(patterns, facts, strict=False))


def verdict(*facts: str) -> str:
    """`fits`, `allow:...` or a code, for one combination: a fact of each of `AXES`."""
    rows, outside = _tables()
    result = next(found for patterns, found in rows if matches(patterns, facts))  # the last one matches everything
    if result != "sound":
        return result
    names = [name for patterns, name in outside if matches(patterns, facts)]
    return f"allow:{','.join(names)}" if names else "fits"


def combinations() -> Iterator[tuple[str, ...]]:
    """Every combination of facts that a spec can have: only losses on classes have options."""
    for facts in product(*AXES):
        cross_entropy = facts[4] in ("binary_cross_entropy", "categorical_cross_entropy")
        if facts[5] == "plain" or cross_entropy or facts[4:] == ("focal", "class_weights"):
            yield facts


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Table 1 says of a study, and what it looked at."""

    verdict: str
    head: Head
    form: str  # of FORMS
    wanted: int  # classes, findings or quantities
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

    @property
    def names(self) -> tuple[str, ...]:
        """What `allow` must name for this verdict."""
        return tuple(self.verdict.removeprefix("allow:").split(",")) if self.verdict.startswith("allow:") else ()

    @property
    def values(self) -> bool:
        """Whether the answers are numbers."""
        return self.form in ("one_value", "several_values")

    @property
    def neurons(self) -> int:
        """How many neurons the row of the table has."""
        return 1 if self.form == "two_classes" else self.wanted

    @property
    def subject(self) -> str:
        """`3 classes`, `2 findings`, `1 quantity`."""
        if self.values:
            return plural(self.wanted, "quantity", "quantities")
        return plural(self.wanted, "finding") if self.form == "findings" else f"{self.wanted} classes"

    @property
    def key(self) -> str:
        """The key of `output` that says so."""
        return {"findings": "labels", "one_value": "target", "several_values": "targets"}.get(self.form, "classes")


def judge(study: Study) -> Judgement | None:
    """The verdict on a classification or regression with one network; None where it cannot be told yet."""
    found = judgements(study)
    wrong = next((judgement for judgement in found if judgement.code), None)
    return wrong or next((judgement for judgement in found if judgement.verdict != "fits"), next(iter(found), None))


def judgements(study: Study) -> list[Judgement]:
    """A verdict for each of the losses that are summed."""
    form, wanted = form_of(study)
    if len(study.graphs) != 1 or not form:
        return []
    found = head(study, next(iter(study.graphs.values())))
    return [_one(study, found, form, wanted, call) for call in next(iter(study.spec.loss.values()))]


def form_of(study: Study) -> tuple[str, int]:
    """The form of the output, and how many classes, findings or quantities it has; none where that is not settled."""
    output = study.spec.output
    classes, labels = getattr(output, "classes", None), getattr(output, "labels", None)
    if study.task.name == "classification" and (classes is None) != (labels is None):
        if labels is not None:
            return "findings", len(labels)
        count = len(classes or ())
        return ("", 0) if count < 2 else ("two_classes" if count == 2 else "more_classes", count)
    if study.task.name == "regression":
        return ("several_values", len(output.targets)) if len(output.targets or ()) > 1 else ("one_value", 1)
    return "", 0


def options_of(call: Call) -> str:
    """Which of `OPTIONS` a loss has."""
    smoothing = bool(getattr(call.args, "label_smoothing", 0))
    weights = getattr(call.args, "class_weights", None) is not None
    return OPTIONS[smoothing + 2 * weights]


def _one(study: Study, found: Head, form: str, wanted: int, call: Call) -> Judgement:
    neurons = "each" if found.neurons == wanted else "one" if found.neurons == 1 else "other"
    activation = found.activation if found.activation in ACTIVATIONS else "other"
    loss = call.name if call.name in LOSSES else "other"
    if call.name not in LOSSES and found.activation in study.registry.losses[call.name].fits:
        loss = "fitting"
    said = verdict(form, found.layer, neurons, activation, loss, options_of(call))
    judgement = Judgement(said, found, form, wanted, call)
    missing = tuple(name for name in judgement.names if name not in study.spec.allow)
    return Judgement(said, found, form, wanted, call, missing)


def used(study: Study) -> set[str]:
    """Names under `allow` that the study needs."""
    return {name for judgement in judgements(study) for name in judgement.names}


def lines() -> list[str]:
    """The table for people: what fits, what needs which name under `allow`, what is refused and by which rule."""
    text = ["What fits:", *(f"  {row}" for row in ROW_TEXT.values()), ""]
    text += ['Sound, but outside: each needs a line such as `allow: {focal: "few positives"}`']
    text += [f"  {name}: {what}" for name, what in ALLOW.items()]
    text += [
        "",
        "Output, output layer, neurons, activation and loss; the first line that matches counts. `each` is one",
    ]
    text += [
        "neuron per class, finding or quantity, `pooled_conv` a convolution with global pooling, `fitting` a plugin's"
    ]
    text += ["loss that says it fits the activation, `*` anything, and a code the rule that refuses it:"]
    text += [f"  {line}".rstrip() for line in ROWS.strip().splitlines()]
    text += ["", "What a sound choice needs under `allow`, every line that matches (last column: options of the loss):"]
    return [*text, *(f"  {line}" for line in OUTSIDE.strip().splitlines())]
