"""cases.csv: what tasks tell of single cases comes back as it was, and nothing that is not such a table is believed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from specc.api import cases, summing
from specc.errors import SpeccError
from specc.run.case_scores import CaseScores, PrimaryMetric, leaves, mismatch, primary_of
from specc.run.folders import Run
from specc.run.series import Member

ODD = (
    "dice",
    "baseline",
    "baseline dice",
    "score dice",
    "'=x dice",
    "=1+1",
    "-a",
    "file",
    "split",
    "ä \n x",
    "",
    "a,b",
)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    """Whatever figures, files and patients are called; in a spreadsheet nothing is a formula."""
    scores: dict[str, float | None] = {name: number / 7 if number != 4 else None for number, name in enumerate(ODD)}
    baselines: dict[str, float | None] = {name: -number / 7 for number, name in enumerate(ODD)}
    several = [
        CaseScores("-1.png", "=P1", scores, baselines),
        CaseScores("a\n.png", "-1", dict.fromkeys(ODD), baselines),
    ]
    cases.write({"val": several, "=test": several[:1]}, tmp_path / "cases.csv")
    text = (tmp_path / "cases.csv").read_text(encoding="utf-8")
    for row in csv.reader(text.splitlines(keepends=True)):
        assert not any(cell.startswith(("=", "+", "@")) for cell in row)
    found = cases.read(tmp_path / "cases.csv")
    assert list(found) == ["val", "=test"]
    for one, wanted in zip(found["val"], several, strict=True):
        assert (one.file, one.patient) == (wanted.file, wanted.patient)
        assert one.scores == pytest.approx(wanted.scores) and one.baselines == pytest.approx(wanted.baselines)


def test_an_older_table_goes_and_anything_else_stays(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    cases.write({"val": [CaseScores("a", "p", {"x": 1.0})]}, file)
    cases.write({}, file)
    assert not file.exists() and cases.read(file) == {}
    file.write_text("a plugin's own table\n")
    cases.write({"val": []}, file)
    assert file.read_text() == "a plugin's own table\n"


HEAD = "split,file,patient,dice\n"


@pytest.mark.parametrize(
    "text",
    ["", "a,b,c\n", HEAD + "val,a,p\n", HEAD + "val,a\n", HEAD + "val,a,p,nan\n", HEAD + "val,a,p,inf\n",
     HEAD + "val,a,p,1e308\n", HEAD + "val,a,p,high\n", "split,file,patient,dice,dice\nval,a,p,1,2\n", HEAD + '"'],
)  # fmt: skip
def test_what_is_no_such_table_is_refused(text: str, tmp_path: Path) -> None:
    run = tmp_path / "1"
    (run / "eval").mkdir(parents=True)
    (run / "eval/cases.csv").write_text(text)
    (run / "eval/metrics.json").write_text(json.dumps({"val": {"metrics": {"dice": {"value": 0.5}}}}))
    with pytest.raises(SpeccError) as raised:
        summing._judged(Member("1", (), 42), Run(run))
    (one,) = raised.value.diagnostics
    assert one.code == "T658" and "cases.csv" in one.message


@pytest.mark.parametrize(
    "primary",
    [{"name": 3}, {"sign": 1}, {"name": "x", "sign": 2}, {"name": "x", "margin": "a"}, {"name": "x", "what": 1},
     {"name": "x", "best": "a"}, "x", 3, ["x"], {"name": "x", "margin": None}, {"name": "x", "margin": float("nan")}],
)  # fmt: skip
def test_a_primary_metric_that_cannot_be_used_is_refused(primary: Any) -> None:
    with pytest.raises(ValueError):
        primary_of({"primary_metric": primary})


def test_a_primary_metric_comes_back() -> None:
    assert primary_of({}) is None
    assert primary_of({"primary_metric": {"name": "psnr", "sign": 1, "margin": 0.1, "best": None}}) == PrimaryMetric(
        "psnr", 1, 0.1, None
    )


def test_cases_of_another_evaluation_are_found() -> None:
    part = {"metrics": {"dice": {"value": 0.5}, "pixels": {"value": 0.1}}, "baseline": {"none": {"dice": {"value": 0}}}}
    same = [
        CaseScores("a", "p", {"dice": 0.25}, {"none dice": 0.0}),
        CaseScores("b", "p", {"dice": 0.75}, {"none dice": 0.0}),
    ]
    assert mismatch(part, same) == ""
    assert mismatch(part, same[:1]) == "dice"
    assert mismatch(part, [CaseScores("a", "p", {"dice": None})]) == "dice"
    assert mismatch(part, [CaseScores("a", "p", {"dice": 0.5}, {"none dice": 0.1})]) == "none dice"
    assert mismatch(None, same) == mismatch({"metrics": 3}, same) == mismatch(part, []) == ""


def test_a_class_may_be_called_value() -> None:
    told = {"value": {"dice": {"value": 0.5, "cases": 3}}, "x": {"value": "high"}}
    assert dict(leaves(told)) == {"value dice": 0.5}
