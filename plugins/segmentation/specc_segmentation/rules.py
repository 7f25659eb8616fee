"""What can be wrong with a segmentation before any image is looked at: S260 to S265."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.errors import Diagnostic, Fix, Label
from specc.plugin import Rule
from specc.rules.common import (
    Said,
    argument_path,
    call_span,
    fault,
    head,
    plural,
    replace_text,
    width_path,
    width_span,
)
from specc_segmentation.output import names

if TYPE_CHECKING:
    from specc.study import Study

_ROW = "segmentation: 1 map with sigmoid (two classes), one a class with softmax, or one a label with sigmoid"


def check_names(study: Study) -> list[Diagnostic]:
    """What: `output` has neither `classes` nor `labels`, or both, or fewer than two classes, or a name twice.

    Why: each pixel has one class out of a list, or every label on its own; which of them decides what a mask means.
    The background is a class like any other, and the first.

    Bad:

        task: segmentation
        output: {classes: [nucleus]}

    Good:

        task: segmentation
        output: {classes: [background, nucleus]}

    Source: the spec language, Task rules.
    """
    output = study.spec.output
    given = [key for key in ("classes", "labels") if getattr(output, key) is not None]
    if len(given) != 1:
        text = "`classes` and `labels` are two answers" if given else "it is not said what a pixel may be"
        way = "`classes: [background, nucleus]`, or `labels: [...]` for what may lie on top of each other"
        return [fault(study, "S260", text, ("output",), "one of them belongs here", ("help", way))]
    said, path = names(output), ("output", given[0])
    twice = sorted({name for name in said if said.count(name) > 1})
    if twice:
        return [fault(study, "S260", f"`{twice[0]}` stands twice in `{given[0]}`", path, "each name once")]
    if given == ["classes"] and len(said) < 2:
        cure: Said = ("help", f"`classes: [background, {said[0]}]`")
        return [fault(study, "S260", "a pixel has one of two classes or more", path, "the background is one", cure)]
    return []


def check_values(study: Study) -> list[Diagnostic]:
    """What: `output.values` does not have a number for each class, or has one twice, or one that `ignore` has, too.

    Why: the numbers in a mask mean nothing by themselves. What is not in the list is refused before training.

    Bad:

        task: segmentation
        output: {classes: [background, lung, heart], values: [0, 255]}

    Good:

        task: segmentation
        output: {classes: [background, lung, heart], values: [0, 128, 255], ignore: 254}
        model: {layers: [conv2d: {filters: 3, kernel: 3, padding: same, activation: softmax}]}
        loss: categorical_cross_entropy

    Source: the spec language, Data (mask values).
    """
    output = study.spec.output
    given, path = output.values, ("output", "values")
    if given is None:
        if output.classes and output.ignore is not None and output.ignore < len(output.classes):
            text = f"{output.ignore} is the number of `{output.classes[output.ignore]}`, and cannot mean not known, too"
            cure: Said = ("help", "say the number of each class: `values: [...]`")
            return [fault(study, "S261", text, ("output", "ignore"), "has a meaning already", cure)]
        return []
    if output.labels:
        text = "masks of labels hold 0 and 1 (or 255)"
        return [fault(study, "S261", text, path, "belongs to `classes`", ("help", "take `values` out"))]
    if output.classes and len(given) != len(output.classes):
        text = f"{plural(len(given), 'value')} for {plural(len(output.classes), 'class', 'classes')}"
        place = Label(study.span("output", "classes"), plural(len(output.classes), "class", "classes"))
        cure = ("help", "one number for each class, in the order of `classes`")
        return [fault(study, "S261", text, path, "one for each class", cure, labels=(place,))]
    every = [*given, *([] if output.ignore is None else [output.ignore])]
    twice = sorted({value for value in every if every.count(value) > 1})
    if twice:
        return [fault(study, "S261", f"{twice[0]} has two meanings", path, "each number once")]
    return []


def check_map(study: Study) -> list[Diagnostic]:
    """What: the network does not end in a map with as many channels as the classes or labels ask for.

    Why: every pixel needs an answer. Two classes need one number a pixel, or one each; more classes, and labels, one
    each.

    Bad:

        task: segmentation
        output: {classes: [background, lung, heart]}
        model: {layers: [conv2d: {filters: 2, kernel: 3, padding: same, activation: softmax}]}
        loss: categorical_cross_entropy

    Good:

        task: segmentation
        output: {classes: [background, lung, heart]}
        model: {layers: [conv2d: {filters: 3, kernel: 3, padding: same, activation: softmax}]}
        loss: categorical_cross_entropy

    Source: Long et al. 2015, arXiv:1411.4038; Ronneberger et al. 2015, arXiv:1505.04597.
    """
    graph = study.graphs.get("network")
    if graph is None:
        return []
    shape = graph.shape_of(next(iter(graph.outputs.values())))
    if len(graph.outputs) > 1 or len(shape) != 3:
        text = (
            f"a segmentation ends in one map, and this network in {'several values' if len(shape) == 3 else 'a vector'}"
        )
        cure: Said = (
            "help",
            "end in `conv2d: {filters: N, kernel: 1, activation: sigmoid}`, without `flatten` and `dense`",
        )
        return [
            fault(study, "S262", text, ("model",), "needs a map", ("rule", _ROW), cure, span=study.key_span("model"))
        ]
    said = names(study.spec.output)
    fitting = (1, 2) if study.spec.output.classes and len(said) == 2 else (len(said),)
    if not said or shape[0] in fitting:
        return []
    found = head(study, graph)
    key = "classes" if study.spec.output.classes else "labels"
    text = f"{plural(shape[0], 'map')} for {len(said)} {key}"
    place = Label(study.span("output", key), f"{len(said)} names")
    path = ("model",) if found.node is None else width_path(study, found.node)
    fixes = (
        (Fix(f"write {fitting[-1]}", replace_text(study, (path, str(fitting[-1])))),) if found.node is not None else ()
    )
    spot = width_span(study, found.node) if found.node is not None else study.key_span("model")
    wants = " or ".join(map(str, fitting))
    return [
        fault(study, "S262", text, path, f"should be {wants}", ("rule", _ROW), span=spot, labels=(place,), fixes=fixes)
    ]


def _wanted(study: Study, maps: int) -> str:
    """The activation that belongs to so many maps."""
    return "sigmoid" if study.spec.output.labels or maps == 1 else "softmax"


def check_activation(study: Study) -> list[Diagnostic]:
    """What: the last layer does not have the activation that makes probabilities: sigmoid for one map or for labels,
    softmax for one map a class.

    Why: without it the numbers are no probabilities; sigmoids on exclusive classes contradict each other, and a softmax
    over one map always says 1. (Training works on logits anyway: specc sees to that.)

    Bad:

        task: segmentation
        output: {classes: [background, nucleus]}
        model: {layers: [conv2d: {filters: 1, kernel: 3, padding: same}]}

    Good:

        task: segmentation
        output: {classes: [background, nucleus]}
        model: {layers: [conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}]}

    Source: Long et al. 2015, arXiv:1411.4038; Ronneberger et al. 2015, arXiv:1505.04597.
    """
    graph = study.graphs.get("network")
    if graph is None or check_map(study) or check_names(study):
        return []
    maps = graph.shape_of(next(iter(graph.outputs.values())))[0]
    found, wanted = head(study, graph), _wanted(study, maps)
    if found.activation == wanted:
        return []
    ends = f"ends in {found.activation}" if found.activation_node is not None else "has no activation"
    text = f"{plural(maps, 'map')} need{'s' * (maps == 1)} {wanted} here, and the network {ends}"
    place = found.activation_node or found.node
    path = ("model",) if place is None else place.path
    return [fault(study, "S263", text, path, f"needs `activation: {wanted}`", ("rule", _ROW))]


def check_losses(study: Study) -> list[Diagnostic]:
    """What: a loss does not belong to the activation of the last layer, or is none for masks.

    Why: training would run and the curve would fall, but the maps would mean something else.

    Bad:

        task: segmentation
        output: {classes: [background, nucleus]}
        model: {layers: [conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}]}
        loss: categorical_cross_entropy

    Good:

        task: segmentation
        output: {classes: [background, nucleus]}
        model: {layers: [conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}]}
        loss: [dice, {binary_cross_entropy: {weight: 0.5}}]

    Source: Milletari et al. 2016, arXiv:1606.04797; Ronneberger et al. 2015, arXiv:1505.04597.
    """
    graph, faults = study.graphs.get("network"), []
    if graph is None or check_map(study) or check_names(study) or check_activation(study):
        return []
    ends = head(study, graph).activation
    for call in study.spec.loss["network"]:
        known = call.name in _FOR_MASKS
        if known and ends in study.loss(call.name).fits:
            continue
        cross = "binary_cross_entropy" if ends == "sigmoid" else "categorical_cross_entropy"
        text = f"`{call.name}` does not fit maps with {ends}" if known else f"`{call.name}` is no loss of masks"
        cures = (Fix(f"write `{cross}`", replace_text(study, (call.path, cross))),)
        label = f"{' or '.join(study.loss(call.name).fits)}" if known else f"`dice` or `{cross}`, for example"
        spot = call_span(study, call)
        faults.append(fault(study, "S264", text, call.path, label, ("rule", _ROW), span=spot, fixes=cures))
    return faults


_FOR_MASKS = ("binary_cross_entropy", "categorical_cross_entropy", "focal", "dice", "tversky")


def check_weights(study: Study) -> list[Diagnostic]:
    """What: weights of a loss that do not go with the classes: another number of them, a list for labels, borders of
    two widths, or a border with more than one map that is not a softmax.

    Why: the first weight belongs to the first class, and so on. Labels are balanced each on its own.

    Bad:

        task: segmentation
        output: {classes: [background, nucleus]}
        model: {layers: [conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}]}
        loss: {binary_cross_entropy: {class_weights: [1, 4, 4]}}

    Good:

        task: segmentation
        output: {classes: [background, nucleus]}
        model: {layers: [conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}]}
        loss: {binary_cross_entropy: {class_weights: balanced, border: {w0: 10, sigma: 5}}}

    Source: Ronneberger et al. 2015, arXiv:1505.04597, eq. 2; Eigen and Fergus 2015, arXiv:1411.4734, section 6.2.
    """
    output, faults, sigmas = study.spec.output, list[Diagnostic](), set[float]()
    for call in study.spec.loss["network"]:
        given, border = getattr(call.args, "class_weights", None), getattr(call.args, "border", None)
        path = argument_path(study, call, "class_weights")
        if isinstance(given, tuple) and output.labels:
            cure: Said = ("help", "`class_weights: balanced`, which counts yes and no of each label")
            faults.append(fault(study, "S265", "labels are balanced each on its own", path, "a list of classes", cure))
        elif isinstance(given, tuple) and output.classes and len(given) != len(output.classes):
            text = f"{plural(len(given), 'weight')} for {plural(len(output.classes), 'class', 'classes')}"
            faults.append(fault(study, "S265", text, path, "one for each class, in their order"))
        if border is not None:
            sigmas.add(border.sigma)
        if len(sigmas) > 1:
            spot = argument_path(study, call, "border")
            faults.append(fault(study, "S265", "borders of two widths", spot, "`sigma` must be the same in all losses"))
            break
    return faults


RULES = (
    Rule("S260", "mask_names", check_names),
    Rule("S261", "mask_values", check_values),
    Rule("S262", "mask_maps", check_map),
    Rule("S263", "mask_activation", check_activation),
    Rule("S264", "mask_losses", check_losses),
    Rule("S265", "mask_weights", check_weights),
)
