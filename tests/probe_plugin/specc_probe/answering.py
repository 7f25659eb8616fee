"""What the segmenter does with its model: masks as files of numpy, and how well they overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from specc.answering import (
    Asked,
    CaseScores,
    Item,
    Judged,
    Judging,
    PrimaryMetric,
    Said,
    mean_interval,
    refused,
    run_cases,
)
from specc_probe.pieces.data import filled


class Masks:
    """Masks of things, one a case."""

    forms: Mapping[str, str] = {"npy": "an array of probabilities", "npz": "the same, compressed"}

    def predict(self, asked: Asked) -> Iterator[Said]:
        """How much of each image belongs to things; with an output, the probabilities of its pixels."""
        for ran in run_cases(asked.session, asked.cases, asked.patients, asked.tell):
            if ran.outputs is None:
                yield refused(ran)
                continue
            mask, files = ran.outputs["mask"], []
            for form in asked.forms or ("npy",) if asked.output is not None else ():
                assert asked.output is not None, "forms are written into an output"
                asked.output.mkdir(parents=True, exist_ok=True)
                files.append(asked.output / f"{ran.case[0].stem}.{form}")
                np.save(files[-1], mask) if form == "npy" else np.savez_compressed(files[-1], mask=mask)
            share = float((mask > 0.5).mean())
            row = {"share": share, "height": ran.size[0]}
            yield Said(str(ran.case[0]), row, f"{share:.0%} of it", ran.patient, files=tuple(files))

    def judge(self, judging: Judging) -> Judged:
        """Overlap with the boxes, filled."""
        figures, lines, scored = {}, [], {}
        for name, items in judging.parts.items():
            overlaps = self._overlaps(judging, items)
            figure = mean_interval(overlaps, [item.patient for item in items], judging.seed)
            figures[name] = {"metrics": {"overlap": figure.plain()}, "cases": len(items)}
            lines.append(f"{name} overlap {figure.value:.3f} ({len(judging.train)} train)")
            scored[name] = [
                CaseScores(item.file, item.patient, {"overlap": overlap})
                for item, overlap in zip(items, overlaps, strict=True)
            ]
            judging.tell(len(items), len(items))
        return Judged(figures, lines, (), scored, PrimaryMetric("overlap"))

    def _overlaps(self, judging: Judging, items: Sequence[Item]) -> list[float]:
        found = []
        for item, ran in zip(items, run_cases(judging.session, [item.files for item in items]), strict=True):
            assert ran.outputs is not None, ran.refused
            said = ran.outputs["mask"] > 0.5
            truth = filled(item.words["boxes"], *said.shape[1:])
            found.append(float((said & truth).sum() / max(1, (said | truth).sum())))
        return found


MASKS = Masks()
