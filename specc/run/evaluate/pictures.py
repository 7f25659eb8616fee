"""Pictures of one part of the data: table of truth and answer, ROC and precision-recall, agreement of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.run import metrics
from specc.run.canvas import BLUE, FAINT, GRAY, GREEN, INK, OTHERS, PLAIN, RED, canvas, legend, save, style
from specc.run.evaluate.rows import Question, Rows, each_finding
from specc.run.evaluate.table import counted, cut, numbered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = 6  # classes or findings whose curve has a colour and a name
FULL = 12  # classes whose counts and percentages are legible
NAMED = 30  # classes whose names and counts are
LABEL = 30  # letters of a class beside its row
TARGETS = 6  # targets that have a row of panels


def draw(rows: Rows, question: Question, part: Mapping[str, Any], folder: FilePath, name: str, seed: int) -> list[str]:
    """Write what the question asks for as `<picture><name>.png`; the names of the files."""
    head = f"{counted(len(rows.files), 'image')}, {counted(part['patients'], 'patient')}; {part['role']}"
    if question.targets:
        _agreement(rows, question, part, head, folder / f"agreement{name}.png")
        return [f"agreement{name}.png"]
    written = []
    if question.classes:
        _confusion(part["confusion"], head, folder / f"confusion{name}.png")
        written.append(f"confusion{name}.png")
    curves = _curves(rows, question, part)
    if curves:
        _roc(curves, head, folder / f"roc{name}.png", seed)
        written.append(f"roc{name}.png")
    return written


# ---------------------------------------------------------------------- truth and answer


def _confusion(confusion: Mapping[str, Any], head: str, file: FilePath) -> None:
    import numpy as np

    names, counts = confusion["classes"], np.asarray(confusion["counts"], dtype=np.int64)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    classes = len(names)
    heads, labels = numbered([str(name) for name in names], LABEL)
    side, long = min(max(3.2, 0.62 * classes + 1.6), 14.0), max(map(len, labels))
    figure = canvas(side + 1.2 + 0.076 * long, side + 0.9, "Truth and answer", head)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    size = 11 if classes <= 4 else 9 if classes <= FULL else 6
    for row in range(classes):
        for column in range(classes):
            count, share = counts[row, column], shares[row, column]
            if classes <= FULL or (classes <= NAMED and count):
                words = f"{count}\n{share:.0%}" if classes <= FULL else str(count)
                ink = "white" if share > 0.55 else INK
                axes.text(column, row, words, ha="center", va="center", color=ink, fontsize=size)
    step = 1 if classes <= NAMED else -(-classes // NAMED)
    axes.set_xticks(range(0, classes, step), heads[::step], fontsize=9 if classes <= FULL else 7, **PLAIN)
    axes.set_yticks(range(0, classes, step), labels[::step], fontsize=9, **PLAIN)
    axes.set_xlabel("answer of the model", color=INK)
    axes.set_ylabel("truth", color=INK)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    axes.set_title("counts; percent and colour: of the images of that truth", fontsize=9, loc="left", color=GRAY)
    save(figure, file)


# ---------------------------------------------------------------------- ROC and precision-recall

Curve = tuple[str, Rows, int, Mapping[str, Any]]  # name, a question of two classes, the positive one, its figures


def _curves(rows: Rows, question: Question, part: Mapping[str, Any]) -> list[Curve]:
    """One for two classes, else one for each class or finding that is there in some images and not in others."""
    if len(question.classes) == 2:
        found = [(question.classes[question.positive], rows, question.positive, part["metrics"])]
    elif question.classes:
        found = []
        for k, name in enumerate(question.classes):
            one = Rows.empty()
            for i, file in enumerate(rows.files):
                p = rows.numbers[i][k]
                truth, said = int(rows.targets[i][0] == k), int(rows.answers[i] == k)
                one.add(file, rows.patients[i], [truth], [1 - p, p], said)
            found.append((name, one, 1, part["classes"][name]))
    else:
        found = [(name, one, 1, part["metrics"][name]) for name, one, _ in each_finding(rows, question)]
    return [curve for curve in found if curve[3]["auc"]["value"] is not None]


def _roc(curves: Sequence[Curve], head: str, file: FilePath, seed: int) -> None:
    """Sensitivity over false alarms, and precision over sensitivity; with one curve its band and operating point."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    what = f"`{cut(curves[0][0], 50)}`" if len(curves) == 1 else "each"
    figure = canvas(10, 5.1, f"How well the probability separates {what} from the rest", head)
    left, right = figure.subplots(1, 2)
    ordered = sorted(curves, key=lambda curve: curve[3]["auc"]["value"])
    for place, (name, rows, positive, figures) in enumerate(ordered):
        truth = [int(target[0] == positive) for target in rows.targets]
        scores = [numbers[positive] for numbers in rows.numbers]
        alarms, hits, _ = roc_curve(truth, scores, drop_intermediate=False)
        precision, recall, _ = precision_recall_curve(truth, scores)
        own = place < CURVES
        colour = (BLUE if len(curves) == 1 else (BLUE, RED, *OTHERS)[place]) if own else FAINT
        look: dict[str, Any] = {"color": colour, "lw": 1.8 if own else 1, "zorder": 3 if own else 1}
        words = _words(name, figures["auc"], len(curves)) if own else None
        left.plot(alarms, hits, label=words, **look)
        right.plot(recall, precision, drawstyle="steps-post", **look)
    if len(curves) == 1:
        _details(left, right, curves[0], seed)
    elif len(curves) > CURVES:
        left.plot([], [], color=FAINT, label=f"{len(curves) - CURVES} others, all better")
    left.plot([0, 1], [0, 1], color=GRAY, lw=1, ls=(0, (4, 3)), label="chance")
    style(left, "ROC curve", "false alarms (1 - specificity)", "sensitivity")
    style(right, "Precision and recall", "recall (sensitivity)", "precision (positive predictive value)")
    for axes in (left, right):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.03), aspect="equal")
    legend(left, loc="lower right")
    legend(right, loc="lower left")
    save(figure, file)


def _words(name: str, area: Mapping[str, Any], curves: int) -> str:
    known = "" if area["low"] is None else f" ({area['low']:.3f} to {area['high']:.3f})"
    return f"AUC {area['value']:.3f}{known}" if curves == 1 else f"{cut(name, 28)}: AUC {area['value']:.3f}"


def _details(left: Axes, right: Axes, curve: Curve, seed: int) -> None:
    """The band of 95 % of the draws, the share of positives, and where the model decides."""
    _, rows, positive, figures = curve
    truth = [int(target[0] == positive) for target in rows.targets]
    band = metrics.roc_band(truth, [numbers[positive] for numbers in rows.numbers], rows.patients, seed)
    if band is not None:
        left.fill_between(*band, color=BLUE, alpha=0.15, lw=0, label="95 % of the draws of patients")
    hit, alarm = figures["sensitivity"]["value"], 1 - figures["specificity"]["value"]
    point: dict[str, Any] = {"color": RED, "ms": 8, "marker": "o", "ls": "", "zorder": 4}
    left.plot([alarm], [hit], label=f"answers: sensitivity {hit:.2f}, specificity {1 - alarm:.2f}", **point)
    if figures["ppv"]["value"] is not None:
        right.plot([hit], [figures["ppv"]["value"]], label="answers of the model", **point)
    share = sum(truth) / len(truth)
    right.axhline(share, color=GRAY, lw=1, ls=(0, (4, 3)), label=f"chance: {100 * share:.0f} % are positive")


# ---------------------------------------------------------------------- values


def _agreement(rows: Rows, question: Question, part: Mapping[str, Any], head: str, file: FilePath) -> None:
    """Each target: truth against answer, and the difference over the mean of both (Bland and Altman 1986)."""
    import numpy as np

    shown = question.targets[:TARGETS]
    figure = canvas(10, 0.5 + 4.4 * len(shown), "Truth and answer", head)
    panels = figure.subplots(len(shown), 2, squeeze=False)
    for k, target in enumerate(shown):
        unit = question.units[k] if k < len(question.units) and question.units[k] else ""
        said = cut(f"{target} ({unit})" if unit else target, 40)
        truth, values = (np.asarray(column, dtype=np.float64) for column in rows.column(k))
        figures = part["metrics"] if len(question.targets) == 1 else part["metrics"][target]
        look: dict[str, Any] = {"s": 16 if len(truth) < 500 else 5, "color": BLUE, "alpha": 0.6, "lw": 0}
        left, right = panels[k]
        left.scatter(truth, values, **look)
        low, high = min(truth.min(), values.min()), max(truth.max(), values.max())
        pad = 0.05 * (high - low or 1)
        ends = (low - pad, high + pad)
        left.plot(ends, ends, color=GRAY, lw=1, ls=(0, (4, 3)), label="equal")
        left.set(xlim=ends, ylim=ends, aspect="equal")
        r2 = figures["r2"]["value"]
        words = f"MAE {figures['mae']['value']:.3g}" + ("" if r2 is None else f", R2 {r2:.3f}")
        style(left, f"{said}: {words}", "truth", "answer of the model")
        right.scatter((truth + values) / 2, values - truth, **look)
        right.axhline(0, color=GRAY, lw=1, ls=(0, (4, 3)))
        bias, limits = figures["bias"]["value"], part["limits_of_agreement"][target]
        right.axhline(bias, color=RED, lw=1.6, label=f"bias {bias:.3g}")
        for place, edge in enumerate(limits or ()):
            line = None if place else f"limits of agreement {limits[0]:.3g} to {limits[1]:.3g}"
            right.axhline(edge, color=GREEN, lw=1.4, label=line)
        style(right, "Error over size (Bland and Altman)", "mean of truth and answer", "answer minus truth")
        legend(left, loc="upper left")
        right.margins(y=0.25)
        legend(right, loc="upper right", ncols=2, columnspacing=1.0, handlelength=1.2)
    save(figure, file)
