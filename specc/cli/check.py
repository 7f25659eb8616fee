"""`specc check SPEC...`: everything that is wrong, in one run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from specc.cli import edge


class Format(StrEnum):
    """How diagnostics are written."""

    text = "text"
    json = "json"
    sarif = "sarif"
    github = "github"


def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="Specs to check.", show_default=False)],
    fix: Annotated[bool, typer.Option("--fix", help="Apply the fixes that cannot change the meaning.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to write the diagnostics.")] = Format.text,
    no_data: Annotated[bool, typer.Option("--no-data", help="Do not look at the images.")] = False,
) -> None:
    """Say everything that is wrong with a spec and its images, with place, reason and cure."""
    from specc.api import program
    from specc.errors import Diagnostic, has_errors

    found: list[Diagnostic] = []
    texts: dict[str, str] = {}
    missing = False
    folds: list[str] = []
    for spec in specs:
        if fix:
            for made in program.mend(spec, data=not no_data):
                edge.tell(f"fixed {spec}: {made}")
        result = program.check(spec, data=not no_data)
        found += result.diagnostics
        texts |= result.texts
        if result.study is not None and not no_data:
            folds += program.fold_table(result.study)
        missing = missing or result.exit_code == 2
    edge.show(found, texts, form.value)
    machine = form is not Format.text
    if has_errors(found):
        count = sum(diagnostic.severity == "error" for diagnostic in found)
        code = next(diagnostic.code for diagnostic in found if diagnostic.severity == "error")
        help_ = "`specc check --fix`, or " if any(f.safe for d in found for f in d.fixes) else ""
        edge.tell(f"{count} error{'s' if count > 1 else ''}")
        edge.then(f"{help_}`specc explain {code}`", machine)
        raise SystemExit(2 if missing else 1)
    if not machine:
        edge.say(f"{', '.join(str(spec) for spec in specs)}: no errors")
        for line in folds:
            edge.say(line)
    edge.then(f"specc train {specs[0]}", machine)
