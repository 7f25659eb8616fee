"""How good codes are: errors of reconstruction beside those of a PCA of as many numbers and of the mean image; and,
where images have labels, how well a linear probe and the nearest neighbours tell them from the codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specc.answering import CaseScores, Item, Judged, Judging, PrimaryMetric, fault, mean_interval, run_cases
from specc.rules.common import plural
from specc_features import pictures, probes
from specc_features.reference import Reference, read

Floats = NDArray[np.floating[Any]]
PEAKS = {"0..1": 1.0, "-1..1": 2.0}  # from black to white
WORTH = 0.02  # of the mean image's error: a gain worth having


@dataclass(frozen=True)
class Seen:
    """What came out for the cases of a part that were answered: codes (N, n), errors (N,) by name."""

    items: Sequence[Item]
    codes: Floats
    pca_codes: Floats
    errors: Mapping[str, Floats]
    refused: int

    @property
    def patients(self) -> list[str]:
        """Who each image is of."""
        return [item.patient for item in self.items]

    @property
    def labels(self) -> list[str]:
        """The label of each image; empty texts where there is none."""
        return [item.words.get("label", "") for item in self.items]


def judge(judging: Judging) -> Judged:
    """Figures of every part, with intervals from a bootstrap over patients. Raises SpeccError P890, P893, P879."""
    if "reconstruction" not in judging.session.outputs:
        message = "this model gives codes and no reconstruction"
        raise fault("P893", message, "judge the whole autoencoder, `model.onnx`, instead of its encoder")
    reference = read(judging.run or judging.session.folder)
    total, done = sum(len(items) for items in judging.parts.values()), 0
    figures: dict[str, Any] = {"components": len(reference.components)}
    lines, names, scored = list[str](), list[str](), dict[str, list[CaseScores]]()
    for part, items in judging.parts.items():
        seen = look(judging, items, reference, done, total)
        done += len(items)
        if not seen.items:
            raise fault("P879", f"no image of the part `{part}` was answered", "look at the reasons: `specc predict`")
        figures[part] = told(seen, reference, judging)
        scored[part] = scored_of(seen, PEAKS.get(judging.session.contract.input.scale))
        lines += table(part, figures[part], len(reference.components))
        names += pictures.draw_all(judging, part, seen, reference)
    first = figures[next(iter(judging.parts))]["baseline"]["mean image"]["error"]["value"]  # of the validation images
    return Judged(figures, lines, names, scored, PrimaryMetric("error", -1, WORTH * first, 0.0))


def look(judging: Judging, items: Sequence[Item], reference: Reference, done: int, total: int) -> Seen:
    """Run the model on the cases of a part."""
    kept, codes, pca_codes = list[Item](), list[Floats](), list[Floats]()
    errors: dict[str, list[float]] = {"error": [], "pca": [], "mean_image": []}
    ran = run_cases(judging.session, [item.files for item in items], None, lambda n: judging.tell(done + n, total))
    for item, one in zip(items, ran, strict=True):
        if one.outputs is None:
            continue
        image = np.asarray(one.outputs["image"], np.float64).reshape(1, -1)
        kept.append(item)
        codes.append(np.asarray(one.outputs["code"]).ravel())
        pca_codes.append(((image - reference.mean) @ reference.components.T)[0])
        errors["error"].append(float(one.outputs["error"]))
        errors["pca"].append(float(reference.pca_errors(image)[0]))
        errors["mean_image"].append(float(np.square(image - reference.mean).mean()))
    several = [np.stack(each) if each else np.zeros((0, 0)) for each in (codes, pca_codes)]
    return Seen(kept, several[0], several[1], {k: np.array(v) for k, v in errors.items()}, len(items) - len(kept))


def told(seen: Seen, reference: Reference, judging: Judging) -> dict[str, Any]:
    """The figures of a part: errors are means of the mean squared error over pixels and channels."""
    patients, seed = seen.patients, judging.seed
    probe, pca_probe = probes.judged(seen.codes, seen.pca_codes, seen.labels, patients, reference, seed)
    less = mean_interval(seen.errors["pca"] - seen.errors["error"], patients, seed).plain()
    peak = PEAKS.get(judging.session.contract.input.scale)
    errors = {name: _errors(seen, name, peak, seed) for name in seen.errors}
    metrics = {**errors["error"], "less_than_pca": less, **probe}
    baseline = {"PCA": {**errors["pca"], **pca_probe}, "mean image": errors["mean_image"]}
    figures = {"images": len(seen.items), "refused": seen.refused, "patients": len(set(patients))}
    by = {}
    if judging.by is not None:
        groups = sorted({item.group for item in seen.items})
        by = {"by": {judging.by: {group: _group(seen, group, seed) for group in groups}}}
    return {**figures, "metrics": metrics, "baseline": baseline, **by}


def _errors(seen: Seen, name: str, peak: float | None, seed: int) -> dict[str, Any]:
    """The mean of errors with its interval, and how far they are apart; where black and white are fixed the mean of the
    images' peak signal-to-noise ratios, too.
    """
    errors = seen.errors[name]
    found = {"error": mean_interval(errors, seen.patients, seed).plain(), "sd": float(errors.std())}
    if peak is not None:
        found["psnr"] = mean_interval(_ratios(errors, peak), seen.patients, seed).plain()
    return found


def _ratios(errors: Floats, peak: float) -> Floats:
    """Peak signal-to-noise ratios in dB."""
    ratios: Floats = 10 * np.log10(peak**2 / np.maximum(errors, 1e-12))
    return ratios


def scored_of(seen: Seen, peak: float | None) -> list[CaseScores]:
    """What the means over images are made of."""
    every = {name: {"error": errors} for name, errors in seen.errors.items()}
    if peak is not None:
        every = {name: {**own, "psnr": _ratios(own["error"], peak)} for name, own in every.items()}
    rivals = {"PCA": every["pca"], "mean image": every["mean_image"]}
    every["error"]["less_than_pca"] = seen.errors["pca"] - seen.errors["error"]
    return [
        CaseScores(
            item.file,
            item.patient,
            {name: float(numbers[place]) for name, numbers in every["error"].items()},
            {f"{rival} {name}": float(own[name][place]) for rival, own in rivals.items() for name in own},
        )
        for place, item in enumerate(seen.items)
    ]


def _group(seen: Seen, group: str, seed: int) -> dict[str, Any]:
    places = [place for place, item in enumerate(seen.items) if item.group == group]
    who = [seen.items[place].patient for place in places]
    return {"images": len(places), "error": mean_interval(seen.errors["error"][places], who, seed).plain()}


def table(part: str, figures: Mapping[str, Any], count: int) -> list[str]:
    """A table for a terminal."""
    who = f"{plural(figures['images'], 'image')}, {plural(figures['patients'], 'patient')}"
    who += f", {figures['refused']} refused" if figures["refused"] else ""
    lines = [f"{part}: {who}; errors: mean square of a pixel"]
    baseline = figures["baseline"]
    several = {"codes": figures["metrics"], f"PCA of {count}": baseline["PCA"], "mean image": baseline["mean image"]}
    for title, own in several.items():
        ratio = f", PSNR {shown(own['psnr'])}" if "psnr" in own else ""
        lines.append(f"  {title:<12} error {shown(own['error'])}, sd {own['sd']:.4g}{ratio}")
    for probe, of in (("linear_probe", "linear probe"), ("neighbours", "neighbours")):
        for title, own in several.items():
            if f"{probe}_auc" in own and own[f"{probe}_auc"]["value"] is not None:
                balanced, area = shown(own[f"{probe}_balanced_accuracy"]), shown(own[f"{probe}_auc"])
                lines.append(f"  {title:<12} {of}: balanced accuracy {balanced}, AUC {area}")
    return lines


def shown(figure: Mapping[str, float | None]) -> str:
    """`0.0123 [0.0110, 0.0140]`."""
    if figure["value"] is None:
        return "-"
    if figure["low"] is None or figure["high"] is None:
        return f"{figure['value']:.4g}"
    return f"{figure['value']:.4g} [{figure['low']:.4g}, {figure['high']:.4g}]"
