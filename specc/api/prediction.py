"""Answers of an exported model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from specc.answering import Case, Said
from specc.api import answered
from specc.api.notebook import Shown
from specc.deploy import files as names
from specc.deploy import predict as predicting
from specc.deploy import tables
from specc.deploy.contract import Contract
from specc.deploy.faults import fault
from specc.deploy.session import open_model
from specc.errors import Diagnostic


class Answers(list[Any], Shown):
    """Answers in the order of the files: `specc.deploy.predict.Answer`, or of a task with its own kind of answers
    `specc.answering.Said`. In a notebook: a table.
    """

    def __init__(self, contract: Contract, answers: Iterable[predicting.Answer | Said]) -> None:
        super().__init__(answers)
        self.contract = contract

    def lines(self) -> list[str]:
        """One a file, as the command prints it."""
        if self.contract.plugin:
            return [answered.line(said) for said in self]
        return tables.table(self.contract, self)


class Prediction:
    """A model that is open and the files that it is to answer about."""

    def __init__(
        self,
        model: FilePath | str,
        files: Iterable[FilePath | str],
        *,
        manifest: FilePath | str | None = None,
        patient: str | None = None,
        image: str | None = None,
        cases: FilePath | str | None = None,
        device: str = "auto",
    ) -> None:
        """Open the model (`model.onnx`, or a run's folder) and unfold the folders. Raises SpeccError P8xx.

        `cases` is a table with a line a case: the files of a model that takes several a case, or one file each.
        """
        file = FilePath(model)
        file = file / "model.onnx" if file.is_dir() else file
        self.session = open_model(file, device)
        self.task = answered.task_of(self.contract, file.resolve().parent) if self.contract.plugin else None
        self.owners: Mapping[FilePath, str] | Mapping[predicting.Case, str] | None = None
        self.others = 0
        self.files: list[FilePath] | list[predicting.Case]
        named = [FilePath(name) for name in files]
        stack = self.contract.input.stack
        table = cases if cases is not None else manifest if stack else None
        if table is not None and (named or (cases is not None and manifest is not None)):
            raise fault("P863", "a table names all files, and others are named beside it", "give one of them")
        if table is not None:
            likely = dict(zip(stack, zip(self.contract.input.columns or stack, stack, strict=True), strict=True))
            one = (image,) if image is not None else names.IMAGE_COLUMNS
            self.files, self.owners = names.cases(FilePath(table), likely or {"": one}, patient)
            return
        if stack:
            self.files = [names.one_case(named, stack)]
            return
        if (manifest is None) != (patient is None):
            raise fault("P871", "`--manifest` and `--patient` belong together", "give both, or neither")
        if manifest is not None and patient is not None:
            self.owners = names.manifest(FilePath(manifest), patient, image)
        given = named or list(self.owners or ())
        self.files, self.others = names.expand(given, self.contract.input.format)

    @property
    def contract(self) -> Contract:
        """What goes in and what comes out."""
        return self.session.contract

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What could not be used."""
        return self.session.warnings

    def answers(self, tell: Callable[[int], object] = lambda done: None) -> Iterator[predicting.Answer]:
        """One answer or refusal a file, in order; `tell` hears how many are done."""
        return predicting.predict(self.session, self.files, self.owners, tell)

    def said(
        self,
        output: FilePath | None = None,
        forms: Iterable[str] = (),
        tell: Callable[[int], object] = lambda done: None,
    ) -> Iterator[Said]:
        """What a task with answers of its own kind says of each case, or what a plugin makes of another output of the
        model; `output` is where it writes, in these forms.
        """
        cases = [case if isinstance(case, tuple) else (case,) for case in self.files]
        return answered.ask(self.task, self.session, cases, self._owners(), output, forms, tell)

    def _owners(self) -> dict[FilePath | Case, str] | None:
        """The patient of a case, or of its first file as the run of cases looks it up."""
        if self.owners is None:
            return None
        return {(key if isinstance(key, tuple) else key.resolve()): name for key, name in self.owners.items()}

    def patients(self, answers: Iterable[predicting.Answer]) -> list[predicting.PatientAnswer]:
        """One answer a patient, where the contract or a table asks for it."""
        if self.contract.output.aggregate != "patient" and self.owners is None:
            return []
        return predicting.by_patient(self.contract, answers)


def predict(
    model: FilePath | str,
    files: Iterable[FilePath | str] | FilePath | str = (),
    *,
    manifest: FilePath | str | None = None,
    patient: str | None = None,
    cases: FilePath | str | None = None,
    output: FilePath | str | None = None,
    forms: Iterable[str] = (),
    device: str = "auto",
) -> Answers:
    """Answers about files and folders, in order; a refused file says why. Raises SpeccError P8xx for a bad model.

    Where the model takes several files a case, `files` are those of one, in the order of its channels; `cases` is a
    CSV table of many, with the columns of the study's own table. A task whose answers are masks or images or the like
    writes them into `output`, in `forms` out of its own.
    """
    several, forms = [files] if isinstance(files, str | FilePath) else files, tuple(forms)
    job = Prediction(model, several, manifest=manifest, patient=patient, cases=cases, device=device)
    if job.task is None and not forms:
        return Answers(job.contract, job.answers())
    return Answers(job.contract, job.said(None if output is None else FilePath(output), forms))
