"""Pictures of codes: reconstructions, maps of the codes, errors, neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from specc.answering import Judging, Ran, run_cases
from specc.run.canvas import BLUE, GRAY, INK, OTHERS, PLAIN, RED, canvas, legend, save, style
from specc_features.probes import numbers
from specc_features.reference import Reference
from specc_features.tables import limits, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from specc_features.judging import Seen

EACH = 5  # best, median and worst reconstructions
FEW = 3  # labels whose histograms can lie over each other
MOST = 1000  # images in a map of codes: t-SNE takes time that grows with them
BELOW = "above: the image as the network sees it · below: made from its code · numbers: mean squared error"
COLOURS = (BLUE, RED, *OTHERS, GRAY, "#8c564b")
NONE = "#c8c8c8"  # of images without a label


def draw_all(judging: Judging, part: str, seen: Seen, reference: Reference) -> list[str]:
    """The pictures of a part; their names in the folder."""
    folder = judging.folder
    names = [f"reconstructions_{part}.png", f"errors_{part}.png"]
    draw_reconstructions(folder / names[0], judging, part, seen)
    draw_errors(folder / names[1], part, seen)
    if len(seen.items) >= 10:
        names.append(f"codes_{part}.png")
        draw_maps(folder / names[2], part, seen, judging.seed)
    return names


def draw_reconstructions(file: FilePath, judging: Judging, part: str, seen: Seen) -> None:
    """Originals above what is made from their codes: best, about the median, worst."""
    order = np.argsort(seen.errors["error"], kind="stable")
    each = max(1, min(EACH, len(order) // 3))
    middle = (len(order) - each) // 2
    groups = {"best": order[:each], "median": order[middle : middle + each], "worst": order[len(order) - each :]}
    places = [int(place) for group in groups.values() for place in group]
    session = judging.session
    found = list(run_cases(session, [seen.items[place].files for place in places]))
    figure = canvas(max(6.5, 0.95 * len(places)), 2.8, f"Reconstructions: {part}", BELOW)
    axes = figure.subplots(2, len(places), squeeze=False)
    titles = [f"{name} {number}" for name, group in groups.items() for number in range(1, len(group) + 1)]
    for column, (place, ran, title) in enumerate(zip(places, found, titles, strict=True)):
        assert ran.outputs is not None, "answered before"
        black, white = limits(session.contract.input.scale, ran.outputs["image"])
        label = seen.labels[place]
        for row, name in enumerate(("image", "reconstruction")):
            show(axes[row, column], visible(ran.outputs[name], black, white))
        axes[0, column].set_title(title + (f"\n{label}" if label else ""), fontsize=7, color=INK, **PLAIN)
        axes[1, column].set_xlabel(f"{seen.errors['error'][place]:.2g}", fontsize=7, color=INK)
    save(figure, file)


def show(axes: Axes, picture: NDArray[np.uint8]) -> None:
    """An image without ticks."""
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def grouped(labels: Sequence[str]) -> list[tuple[str, str, NDArray[np.intp]]]:
    """Label, colour and places of each label; one gray group where there are none, or too many to tell apart."""
    names = sorted(set(labels))
    if len(names) < 2 or len(set(names) - {""}) > len(COLOURS):
        return [("", BLUE, np.arange(len(labels)))]
    known, colours = np.array(labels), iter(COLOURS)
    return [(name or "no label", next(colours) if name else NONE, np.flatnonzero(known == name)) for name in names]


def draw_errors(file: FilePath, part: str, seen: Seen) -> None:
    """How the errors lie, by label: of few labels histograms, of many all, the middle half and the median; and the mean
    beside that of the PCA.
    """
    errors, groups = seen.errors["error"], grouped(seen.labels)
    figure = canvas(7, 3.6 if len(groups) <= FEW else 1.4 + 0.3 * len(groups), f"Errors of reconstruction: {part}")
    axes = figure.subplots()
    if len(groups) <= FEW:
        edges = np.linspace(errors.min(), max(errors.max(), errors.min() + 1e-9), 31).tolist()
        for name, colour, places in groups:
            axes.hist(errors[places], edges, color=colour, alpha=0.5, label=name or None)
    else:
        for row, (_, colour, places) in enumerate(groups):
            least, low, middle, high, most = np.quantile(errors[places], [0, 0.25, 0.5, 0.75, 1])
            axes.hlines(row, least, most, color=GRAY, lw=1)
            axes.hlines(row, low, high, color=colour, lw=6)
            axes.plot(middle, row, "o", color="white", mec=INK, ms=4)
        axes.set_yticks(range(len(groups)), [name for name, _, _ in groups], parse_math=False)
        axes.invert_yaxis()
    axes.axvline(float(errors.mean()), color=INK, lw=1.2, label=f"mean {errors.mean():.3g}")
    pca = float(seen.errors["pca"].mean())
    axes.axvline(pca, color=INK, lw=1.2, ls="--", label=f"mean of the PCA {pca:.3g}")
    style(axes, "", "mean squared error of an image's pixels", "images" if len(groups) <= FEW else "")
    legend(axes)
    save(figure, file)


def draw_maps(file: FilePath, part: str, seen: Seen, seed: int) -> None:
    """The codes in two dimensions: their first principal components, and t-SNE (van der Maaten and Hinton 2008);
    UMAP, too, where it is installed. Many images: a sample that follows from the seed.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    every = np.arange(len(seen.items))
    some = np.sort(np.random.default_rng(seed).choice(every, MOST, replace=False)) if len(every) > MOST else every
    codes = seen.codes[some].astype(np.float64)
    codes = (codes - codes.mean(0)) / np.maximum(codes.std(0), 1e-6)
    plane = PCA(min(2, *codes.shape), random_state=seed).fit_transform(codes)
    flat = np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
    spread = TSNE(2, perplexity=min(30, (len(codes) - 1) / 3), init="random", random_state=seed).fit_transform(codes)
    maps: list[tuple[str, NDArray[Any]]] = [("first two principal components", flat), ("t-SNE", spread)]
    if find_spec("umap") is not None:
        from umap import UMAP  # type: ignore[import-not-found,unused-ignore]

        maps.append(("UMAP", UMAP(random_state=seed).fit_transform(codes)))
    below = "t-SNE keeps neighbours together; distances between groups, and their sizes, mean nothing"
    figure = canvas(4.6 * len(maps), 4.6, f"Codes: {part}, {len(some)} images", below)
    several = figure.subplots(1, len(maps), squeeze=False)[0]
    labels = [seen.labels[place] for place in some]
    values = numbers(labels)
    for axes, (title, points) in zip(several, maps, strict=True):
        if values is None:
            for name, colour, places in grouped(labels):
                axes.scatter(*points[places].T, s=9, color=colour, alpha=0.6, lw=0, label=name or None)
        else:
            axes.scatter(*points[np.isnan(values)].T, s=9, color=NONE, lw=0)
            dots = axes.scatter(*points.T, s=9, c=values, cmap="viridis", lw=0)
        style(axes, title, "")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
    if values is None:
        legend(several[-1], loc="upper left", bbox_to_anchor=(1, 1), markerscale=2)
    else:
        figure.colorbar(dots, ax=several[-1], label="label")
    save(figure, file)


def draw_neighbours(
    file: FilePath, ran: Ran, scale: str, places: Sequence[int], far: Sequence[float], reference: Reference
) -> None:
    """A query and the training images whose codes are nearest to its own."""
    figure = canvas(1.3 * (1 + len(places)), 2.3, f"Nearest codes: {ran.case[0].name}")
    axes = figure.subplots(1, 1 + len(places), squeeze=False)[0]
    assert ran.outputs is not None and ran.pixels is not None, "answered"
    image = ran.outputs.get("image", ran.pixels)
    show(axes[0], visible(image, *limits(scale if "image" in ran.outputs else "", image)))
    axes[0].set_title("query", fontsize=8, color=INK, **PLAIN)
    for one, place, distance in zip(axes[1:], places, far, strict=True):
        show(one, reference.small[place])
        label = "" if reference.labels is None else str(reference.labels[place])
        one.set_title(label or "training", fontsize=8, color=INK, **PLAIN)
        one.set_xlabel(f"{distance:.3g}", fontsize=7, color=INK)
    file.parent.mkdir(parents=True, exist_ok=True)
    save(figure, file)
