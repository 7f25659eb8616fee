"""S241."""

from __future__ import annotations

from specc.errors import Diagnostic, Label, NoteKind
from specc.plugin import Call, Rule
from specc.rules.common import argument_path, fault, plural, values
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: class weights that do not go with the classes: another number of them, or a task that has no classes.

    Why: the first weight belongs to the first class in the list, and so on. Findings are balanced each on its own, yes
    against no, which a list by class cannot say.

    Bad:

        loss: {binary_cross_entropy: {class_weights: [1, 4, 4]}}
        allow: {class_weights: "few patients with pneumonia"}

    Good:

        loss: {binary_cross_entropy: {class_weights: [1, 4]}}
        allow: {class_weights: "few patients with pneumonia"}

    Source: the spec language, Task rules (`class_weights: balanced|[...]`).
    """
    faults = []
    for calls in (study.spec.loss or {}).values():
        for call in calls:
            given = getattr(call.args, "class_weights", None)
            if given is not None:
                faults += _one(study, call, given)
    return faults


def _one(study: Study, call: Call, given: str | tuple[float, ...]) -> list[Diagnostic]:
    output = values(study, "output")
    classes, labels = getattr(output, "classes", None), getattr(output, "labels", None)
    if study.task.name == "regression" or any(own.name == call.name for own in study.task.losses):
        return []  # the loss itself does not fit, or the task says what its weights mean
    path = argument_path(study, call, "class_weights")
    balanced: tuple[NoteKind, str] = ("help", "or let them be counted: `class_weights: balanced`")
    if study.task.name != "classification":
        text = f"the task `{study.task.name}` has no classes to weigh"
        return [fault(study, "S241", text, path, "no classes", ("help", "take it out"))]
    if isinstance(given, str):
        return []
    if labels is not None:
        place = (Label(study.span("output", "labels"), plural(len(labels), "finding")),)
        text = "findings are balanced each on its own, not by a list"
        help_: tuple[NoteKind, str] = ("help", "write `class_weights: balanced`")
        return [fault(study, "S241", text, path, "a list of classes", help_, labels=place)]
    if classes is None or len(given) == len(classes):
        return []
    place = (Label(study.span("output", "classes"), plural(len(classes), "class", "classes")),)
    text = f"{plural(len(given), 'class weight')} for {plural(len(classes), 'class', 'classes')}"
    order: tuple[NoteKind, str] = ("help", "one number for each class, in the order of `classes`")
    return [fault(study, "S241", text, path, "one for each class", order, balanced, labels=place)]


RULE = Rule("S241", "class_weights", check)
