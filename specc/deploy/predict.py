"""Files in, answers out: every image is held against the contract, refused with a code or answered by the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.deploy.contract import Accepts, Contract, Input
from specc.deploy.faults import Refusal, fault
from specc.deploy.session import Session, runtime_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.pieces.readers import Facts

BATCH = 32  # images of one size that go through the network together
Case = tuple[FilePath, ...]  # the files of one case, in the order of channels
PENDING = 64 * 1024 * 1024  # pixels that wait at most (float32: 256 MB) until they are answered


@dataclass(frozen=True)
class Answer:
    """What the model says about one file, or why it says nothing (`refused`: code and reason).

    `file` is the first file of a case, `others` the further ones by channel where it has several.
    `answer` is a class name, the findings above one half or, with one target, the value; `patient` is known from DICOM
    or from a table.
    """

    file: str
    answer: str | float | tuple[str, ...] | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    refused: tuple[str, str] | None = None
    patient: str | None = None
    ood_score: float | None = None
    others: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As `predict --json` prints it: only the keys that have a meaning here."""
        row: dict[str, Any] = {"file": self.file} | ({"others": dict(self.others)} if self.others else {})
        if self.refused is not None:
            return {**row, "refused": {"code": self.refused[0], "reason": self.refused[1]}}
        row["answer"] = self.answer
        row |= {"probabilities": dict(self.probabilities)} if self.probabilities else {"values": dict(self.values)}
        if self.ood_score is not None:
            row["ood_score"] = self.ood_score
        return row if self.patient is None else row | {"patient": self.patient}


@dataclass(frozen=True)
class PatientAnswer:
    """One answer for all images of a patient: the mean probability, or the mean value."""

    patient: str
    images: int
    answer: str | float | tuple[str, ...] | None
    probabilities: Mapping[str, float]
    values: Mapping[str, float]

    def plain(self) -> dict[str, Any]:
        """As `predict --json` prints it: it has `patient` and `images` where a file's answer has `file`."""
        row: dict[str, Any] = {"patient": self.patient, "images": self.images, "answer": self.answer}
        return row | (
            {"probabilities": dict(self.probabilities)} if self.probabilities else {"values": dict(self.values)}
        )


def predict(
    session: Session,
    files: Iterable[FilePath | Case],
    patients: Mapping[FilePath, str] | Mapping[Case, str] | None = None,
    tell: Callable[[int], object] = lambda done: None,
) -> Iterator[Answer]:
    """Answers in the order of `files`. A bad file is refused and the rest go on; `tell` hears how many are done.

    Where a case has several files it is a tuple of them, in the order of the model's channels. `patients` names the
    patient of a file, or of a case; without it DICOM's PatientID counts.
    """
    known = None
    if patients is not None:
        known = {(key if isinstance(key, tuple) else key.resolve()): name for key, name in patients.items()}
    cases = (given if isinstance(given, tuple) else (given,) for given in files)
    for ran in run_cases(session, cases, known, tell):
        yield _one(session.contract, ran)


@dataclass(frozen=True)
class Ran:
    """What came out for one case, or why nothing did: `pixels` (C, H, W) as read, `outputs` by name, no batch axis."""

    case: Case
    patient: str | None = None
    pixels: NDArray[np.float32] | None = None
    outputs: Mapping[str, NDArray[Any]] | None = None
    refused: tuple[str, str] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image as read."""
        assert self.pixels is not None, "a refused case has no pixels"
        height, width = self.pixels.shape[1:]
        return height, width


def run_cases(
    session: Session,
    cases: Iterable[Case],
    patients: Mapping[Any, str] | None = None,
    tell: Callable[[int], object] = lambda done: None,
    batch: int = BATCH,
) -> Iterator[Ran]:
    """What the model gives for each case, in their order; a case that the contract does not cover is refused.

    Images of one size go through the network together, `batch` at most. `patients` names the patient of a case, or of
    its first file (resolved).
    """
    waiting: dict[tuple[int, ...], list[tuple[int, Ran]]] = {}
    ready: dict[int, Ran] = {}
    shown, pending = 0, 0
    for number, case in enumerate(cases):
        try:
            pixels, patient = read_case(session, case)
        except Refusal as refusal:
            ready[number] = Ran(case, refused=(refusal.code, refusal.reason))
        else:
            if patients is not None:
                patient = patients.get(case) or patients.get(case[0].resolve())
            group = waiting.setdefault(pixels.shape, [])
            group.append((number, Ran(case, patient, pixels)))
            pending += pixels[0].size
            if len(group) >= batch:
                del waiting[pixels.shape]
                pending -= len(group) * pixels[0].size
                ready |= _run(session, group)
            elif pending > PENDING:
                for rest in waiting.values():
                    ready |= _run(session, rest)
                waiting, pending = {}, 0
        while shown in ready:
            yield ready.pop(shown)
            shown += 1
        tell(number + 1)
    for rest in waiting.values():
        ready |= _run(session, rest)
    yield from (ready[number] for number in sorted(ready))


def by_patient(contract: Contract, answers: Iterable[Answer]) -> list[PatientAnswer]:
    """One answer for each patient with at least one answered image, in order of first appearance."""
    groups: dict[str, list[Answer]] = {}
    for answer in answers:
        if answer.refused is None and answer.patient is not None:
            groups.setdefault(answer.patient, []).append(answer)
    result = []
    for patient, group in groups.items():
        probabilities = _mean([answer.probabilities for answer in group])
        values = _mean([answer.values for answer in group])
        said = decide(contract, probabilities) if probabilities else _only(values)
        result.append(PatientAnswer(patient, len(group), said, probabilities, values))
    return result


def decide(contract: Contract, probabilities: Mapping[str, float]) -> str | tuple[str, ...]:
    """What these probabilities stand for: the findings above 0.5; or the class, which is the positive one from 0.5 on,
    else the one with the largest, the first on ties.
    """
    classes = contract.output.classes
    if contract.output.labels:
        return tuple(name for name in contract.output.labels if probabilities[name] > 0.5)
    if len(classes) == 2:
        positive = contract.output.positive or classes[1]
        negative = classes[0] if positive == classes[1] else classes[1]
        return positive if probabilities[positive] >= 0.5 else negative
    return max(classes, key=lambda name: probabilities[name])


def _only(values: Mapping[str, float]) -> float | None:
    return next(iter(values.values())) if len(values) == 1 else None


def _mean(rows: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def read_case(session: Session, files: Case) -> tuple[NDArray[np.float32], str | None]:
    """Pixels (C, H, W) that the graph takes, and the patient that the header names. Raises Refusal."""
    names = session.contract.input.stack
    if len(files) != max(1, len(names)):
        raise Refusal("P861", f"{len(files)} files, and the model takes {len(names) or 1}{_in_order(names)}")
    if not names:
        pixels, patient = _read(session, files[0], "")
        if pixels.shape[2] == 1 and session.channels == 3 and _gray_fits(session.contract.input):
            pixels = pixels.repeat(3, axis=2)  # as in training on a set that holds gray and coloured images
        if session.channels is not None and pixels.shape[2] != session.channels:
            raise Refusal("P822", f"{_samples(pixels.shape[2])}, and the model takes {_samples(session.channels)}")
        return pixels.transpose(2, 0, 1), patient or None
    return _stacked([_read_channel(session, file, name) for name, file in zip(names, files, strict=True)], names)


def _read_channel(session: Session, file: FilePath, name: str) -> tuple[NDArray[np.float32], str]:
    """Pixels (H, W, 1) of one channel. Raises Refusal that names it."""
    if not file.name:
        raise Refusal("P861", f"no file is named for the channel {name}")
    try:
        pixels, patient = _read(session, file, name)
    except Refusal as refusal:
        raise Refusal(refusal.code, f"{name}: {refusal.reason}") from None
    if pixels.shape[2] != 1:
        raise Refusal("P822", f"{name}: {_samples(pixels.shape[2])}, and each channel is a gray file")
    return pixels, patient


def _stacked(
    channels: Sequence[tuple[NDArray[np.float32], str]], names: Sequence[str]
) -> tuple[NDArray[np.float32], str | None]:
    """The channels on top of each other. Raises Refusal P862 or P864."""
    import numpy as np

    sizes = [f"{pixels.shape[0]}x{pixels.shape[1]}" for pixels, _ in channels]
    if len(set(sizes)) > 1:
        told = ", ".join(f"{name} {size}" for name, size in zip(names, sizes, strict=True))
        raise Refusal("P862", f"the files of this case differ in size: {told}")
    people = {patient for _, patient in channels} - {""}
    if len(people) > 1:
        raise Refusal("P864", "the files of this case name different patients")
    return np.concatenate([pixels for pixels, _ in channels], axis=2).transpose(2, 0, 1), next(iter(people), None)


def _in_order(names: Sequence[str]) -> str:
    return f" a case: {', '.join(names)}" if names else ""


def _read(session: Session, file: FilePath, channel: str) -> tuple[NDArray[np.float32], str]:
    """Pixels (H, W, samples) of a file that is as the contract wants it, and its patient. Raises Refusal."""
    from specc.pieces import readers

    wanted = session.contract.input
    accepts = wanted.accepted(channel)
    try:
        facts = readers.header(file)
        check_facts(wanted, facts, accepts)
        pixels, facts = readers.read(file, window=wanted.reader_window, frame=wanted.frame)
        check_facts(wanted, facts, accepts)  # the file may have changed in between
    except readers.ReadError as error:
        raise Refusal(error.code, error.reason) from error
    except OSError as error:
        raise Refusal("P801", error.strerror or "the file cannot be read") from error
    return pixels, facts.patient


def _gray_fits(wanted: Input) -> bool:
    seen = wanted.accepts.samples
    return wanted.channels == "mono" or wanted.from_mono == "repeat" or (seen is not None and 1 in seen)


def check_facts(wanted: Input, facts: Facts, accepts: Accepts) -> None:
    """Hold a header against the contract and what it accepts of this channel. Raises Refusal P820 to P826."""
    if facts.format != wanted.format:
        raise Refusal("P820", f"this is {facts.format.upper()}, and the model takes {wanted.format.upper()}")
    if facts.format == "dicom" and wanted.modalities and facts.modality not in wanted.modalities:
        modality = facts.modality or "not given"
        raise Refusal("P823", f"modality {modality}, and the model takes {_list(wanted.modalities)}")
    if facts.format == "dicom" and accepts.photometric and facts.photometric not in accepts.photometric:
        raise Refusal("P824", f"photometric {facts.photometric}, and the model takes {_list(accepts.photometric)}")
    if accepts.samples and facts.samples not in accepts.samples:
        taken = _list(_samples(count) for count in accepts.samples)
        raise Refusal("P822", f"{_samples(facts.samples)}, and the model was trained on {taken}")
    if accepts.bits and facts.bits not in accepts.bits:
        raise Refusal("P821", f"{facts.bits} bits a sample, and the model was trained on {_list(accepts.bits)}")
    if accepts.signed is not None and facts.signed != accepts.signed:
        raise Refusal("P821", f"{'signed' if facts.signed else 'unsigned'} samples, and the model takes the other kind")
    if facts.frames > 1 and wanted.frame is None:
        raise Refusal("P825", f"{facts.frames} frames in one file, and the spec names none")
    if wanted.resize is None and not (wanted.multiple or wanted.tiled) and (facts.height, facts.width) != wanted.size:
        size = f"{wanted.size[0]}x{wanted.size[1]}"
        raise Refusal(
            "P826", f"{facts.height}x{facts.width} pixels, and the model takes {size} (it has no resize rule)"
        )


def _samples(count: int) -> str:
    return {1: "gray", 3: "colour"}.get(count, f"{count} samples a pixel")


def _list(items: Iterable[object]) -> str:
    return " or ".join(str(item) for item in items)


def _run(session: Session, group: list[tuple[int, Ran]]) -> dict[int, Ran]:
    """Outputs by number for images of one size; where the runtime fails on a batch, each goes alone."""
    import numpy as np

    try:
        outputs = session.run(np.stack([ran.pixels for _, ran in group if ran.pixels is not None]))
    except runtime_errors() as error:
        if len(group) > 1:
            return {k: v for item in group for k, v in _run(session, [item]).items()}
        number, ran = group[0]
        reason = "not enough memory" if isinstance(error, MemoryError) else "the runtime failed on this image"
        return {number: replace(ran, pixels=None, refused=("P850", reason))}
    return {
        number: replace(ran, outputs={name: array[row] for name, array in outputs.items()})
        for row, (number, ran) in enumerate(group)
    }


def _answered(contract: Contract, case: Case, **said: Any) -> Answer:
    """An answer about a case, with the names of its files."""
    others = {name: str(file) for name, file in zip(contract.input.stack[1:], case[1:], strict=False)}
    return Answer(str(case[0]), others=others, **said)


def _one(contract: Contract, ran: Ran) -> Answer:
    """The answer to a case in words and numbers."""
    import numpy as np

    case, patient, outputs = ran.case, ran.patient, ran.outputs
    if ran.refused is not None or outputs is None:
        return _answered(contract, case, refused=ran.refused)
    output, classes = contract.output, contract.output.classes
    numbers = np.asarray(outputs["probabilities" if output.likely else "values"], dtype=np.float64).reshape(-1)
    if len(numbers) != len(output.names):
        message = f"the model gives {len(numbers)} numbers, and its contract names {len(output.names)}"
        raise fault("P845", message, "export the model again: `specc export RUN`", exit_code=5)
    if not np.isfinite(numbers).all():
        return _answered(contract, case, refused=("P851", "the model gave a number that is not finite"))
    score = float(outputs["ood_score"]) if "ood_score" in outputs else None
    if not bool(np.all(outputs.get("accepted", True))):
        reason = "too unlike the images that the model was trained on"
        reason += f" (score {score:.3g})" if score is not None else ""
        return _answered(contract, case, refused=("P860", reason))
    if output.likely:
        probabilities = dict(zip(output.likely, numbers.tolist(), strict=True))
        told = classes and "answer" in outputs
        said = classes[int(np.asarray(outputs["answer"]).reshape(-1)[0])] if told else decide(contract, probabilities)
        return _answered(contract, case, answer=said, probabilities=probabilities, patient=patient, ood_score=score)
    values = dict(zip(output.units, numbers.tolist(), strict=True))
    return _answered(contract, case, answer=_only(values), values=values, patient=patient, ood_score=score)
