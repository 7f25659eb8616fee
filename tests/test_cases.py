"""cases.csv: what tasks tell of single cases comes back as it was, and nothing that is not such a table is believed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from specc.api import cases, summing
from specc.errors import SpeccError
from specc.run.folders import Run, replace
from specc.run.scored import Goal, Scored, goal_of, leaves, unlike
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
    rivals: dict[str, float | None] = {name: -number / 7 for number, name in enumerate(ODD)}
    several = [Scored("-1.png", "=P1", scores, rivals), Scored("a\n.png", "-1", dict.fromkeys(ODD), rivals)]
    cases.write({"val": several, "=test": several[:1]}, tmp_path / "cases.csv", replace)
    text = (tmp_path / "cases.csv").read_text(encoding="utf-8")
    for row in csv.reader(text.splitlines(keepends=True)):
        assert not any(cell.startswith(("=", "+", "@")) for cell in row)
    found = cases.read(tmp_path / "cases.csv")
    assert list(found) == ["val", "=test"]
    for one, wanted in zip(found["val"], several, strict=True):
        assert (one.file, one.patient) == (wanted.file, wanted.patient)
        assert one.scores == pytest.approx(wanted.scores) and one.rivals == pytest.approx(wanted.rivals)


def test_an_older_table_goes_and_anything_else_stays(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    cases.write({"val": [Scored("a", "p", {"x": 1.0})]}, file, replace)
    cases.write({}, file, replace)
    assert not file.exists() and cases.read(file) == {}
    file.write_text("a plugin's own table\n")
    cases.write({"val": []}, file, replace)
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
    "goal",
    [{"name": 3}, {"sign": 1}, {"name": "x", "sign": 2}, {"name": "x", "margin": "a"}, {"name": "x", "what": 1},
     {"name": "x", "best": "a"}, "x", 3, ["x"], {"name": "x", "margin": None}, {"name": "x", "margin": float("nan")}],
)  # fmt: skip
def test_a_goal_that_cannot_be_used_is_refused(goal: Any) -> None:
    with pytest.raises(ValueError):
        goal_of({"goal": goal})


def test_a_goal_comes_back() -> None:
    assert goal_of({}) is None
    assert goal_of({"goal": {"name": "psnr", "sign": 1, "margin": 0.1, "best": None}}) == Goal("psnr", 1, 0.1, None)


def test_cases_of_another_evaluation_are_found() -> None:
    part = {"metrics": {"dice": {"value": 0.5}, "pixels": {"value": 0.1}}, "baseline": {"none": {"dice": {"value": 0}}}}
    same = [Scored("a", "p", {"dice": 0.25}, {"none dice": 0.0}), Scored("b", "p", {"dice": 0.75}, {"none dice": 0.0})]
    assert unlike(part, same) == ""
    assert unlike(part, same[:1]) == "dice"
    assert unlike(part, [Scored("a", "p", {"dice": None})]) == "dice"
    assert unlike(part, [Scored("a", "p", {"dice": 0.5}, {"none dice": 0.1})]) == "none dice"
    assert unlike(None, same) == unlike({"metrics": 3}, same) == unlike(part, []) == ""


def test_a_class_may_be_called_value() -> None:
    told = {"value": {"dice": {"value": 0.5, "cases": 3}}, "x": {"value": "high"}}
    assert dict(leaves(told)) == {"value dice": 0.5}
