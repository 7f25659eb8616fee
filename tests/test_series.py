"""Series of runs: what is planned, how it is followed, what it costs to stop it; with trainings of no length."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import make_data, spec, study_of

from specc.api import series as api
from specc.api.program import check
from specc.api.program import compile as compile_spec
from specc.api.summing import SeriesSummary
from specc.api.training import Trained
from specc.errors import SpeccError
from specc.run import series
from specc.run.faults import fault
from specc.run.folders import Run
from specc.run.series import Book, Member
from specc.run.verdict import Verdict

PEOPLE = "manifest: png.csv, columns: {image: file, label: label, patient: patient}"
TRAIN = "{epochs: 6, batch_size: 8, early_stop: {patience: 2}}"


def planned(split: str = "{column: split}", train: str = TRAIN, fractions: tuple[float, ...] = ()) -> list[Member]:
    return series.plan(study_of(spec(data=f"{{{PEOPLE}, split: {split}}}", train=train)), fractions)


# ---------------------------------------------------------------------- plans


def test_one_run_is_no_series() -> None:
    assert planned() == []
    assert planned("{folds: 4, fold: 2, group: patient}") == []
    assert planned("{column: split, use: 50}") == []


def test_seeds_follow_from_the_first_one() -> None:
    members = planned(train="{epochs: 1, batch_size: 8, seed: 7, repeats: 3}")
    assert [(one.name, one.seed) for one in members] == [("seed-7", 7), ("seed-8", 8), ("seed-9", 9)]
    assert members[1].settings == ("train.seed=8", "train.repeats=1")


def test_folds_are_all_trained_unless_one_is_named() -> None:
    members = planned("{folds: 3, group: patient}")
    assert [(one.name, one.fold, one.settings) for one in members] == [
        (f"fold-{fold}", fold, (f"data.split.fold={fold}",)) for fold in (1, 2, 3)
    ]


def test_everything_at_once() -> None:
    members = planned("{folds: 2, group: patient}", "{epochs: 1, batch_size: 8, repeats: 2}", (12.5, 100.0))
    assert [one.name for one in members] == [
        f"fraction-{fraction}-fold-{fold}-seed-{seed}"
        for seed in (42, 43)
        for fraction in ("12.5", "100")
        for fold in (1, 2)
    ]
    settings = ("data.split.use=12.5", "data.split.fold=1", "train.seed=42", "train.repeats=1")
    assert members[0].settings == settings


@pytest.mark.parametrize("split", ["{folds: 3, group: patient}", "{column: split, use: 40}"])
def test_a_member_is_the_spec_with_its_settings(split: str, tmp_path: Path) -> None:
    """Alone it is planned as one run, and its program holds its choice as literals."""
    file = tmp_path / "case.yaml"
    file.write_text(spec(data=f"{{{PEOPLE}, split: {split}}}", train="{epochs: 1, batch_size: 8, repeats: 2}"))
    for member in planned(split, "{epochs: 1, batch_size: 8, repeats: 2}", (30.0, 100.0)):
        alone = series.plan(check(file, data=False, settings=member.settings).require(), ())
        assert alone == []
        program = compile_spec(file, settings=member.settings)
        assert f"seed: int = {member.seed} " in program["train.py"]
        assert ("subset.train_on" in program["data.py"]) == (member.fraction == 30)
        assert member.fold is None or f"fold={member.fold})" in program["data.py"]


@pytest.mark.parametrize(("text", "numbers"), [("25,50,100", (25, 50, 100)), ("100, 12.5", (12.5, 100))])
def test_fractions_that_are_read(text: str, numbers: tuple[float, ...]) -> None:
    assert series.parse_fractions(text) == numbers
    assert series.parse_fractions(numbers) == tuple(sorted(numbers))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        *[(text, "not percentages") for text in ("", "100", "a,100", "0,100", "50,101", "nan,100", "25;100", "50,50")],
        ("25,50", "lacks 100"),
    ],
)
def test_fractions_that_are_refused(text: str, word: str) -> None:
    with pytest.raises(SpeccError) as caught:
        series.parse_fractions(text)
    assert caught.value.diagnostics[0].code == "T682"
    assert word in caught.value.diagnostics[0].message


def test_smaller_parts_make_as_many_steps() -> None:
    train = study_of(spec(train=TRAIN)).spec.train
    assert series.stretched(train, 25, 100) == ("train.epochs=20", "train.early_stop.patience=6")  # 4 steps, not 13
    assert series.stretched(train, 100, 100) == series.stretched(train, 97, 100) == ()
    whole = study_of(spec(train="{epochs: 3, batch_size: 8, drop_last: true}")).spec.train
    assert series.stretched(whole, 17, 71) == ("train.epochs=12",)  # 2 steps instead of 8
    phases = study_of(spec(train="{phases: [{epochs: 3}, {epochs: 8}], batch_size: 4, accumulate: 2}")).spec.train
    assert series.stretched(phases, 8, 16) == ("train.phases.0.epochs=6", "train.phases.1.epochs=16")


def test_what_happens_in_a_phase_stays_in_it() -> None:
    """The first phase, 2.5 epochs rounded, has 2: a step shortly before its end stays before its end."""
    schedule = "{step: {at: [1.9, 2, 3.9], warmup: 1}}"
    text = spec(train=f"{{phases: [{{epochs: 2}}, {{epochs: 4}}], batch_size: 32, schedule: {schedule}}}")
    wanted = (
        "phases.0.epochs=2",
        "phases.1.epochs=5",
        "schedule.step.warmup=1.0",
        "schedule.step.at=[1.9, 2.0, 4.375]",
    )
    assert series.stretched(study_of(text).spec.train, 100, 132) == tuple(f"train.{one}" for one in wanted)


@pytest.mark.parametrize(
    ("schedule", "settings"),
    [
        ("cosine", ()),
        ("one_cycle", ()),
        ("{cosine: {warmup: 1.5, after: 2}}", ("cosine.warmup=4.5", "cosine.after=6.0")),
        ("{step: {at: [10, 20.5]}}", ("step.at=[30.0, 61.5]",)),
        ("{plateau: {patience: 4, warmup: 1}}", ("plateau.warmup=3.0", "plateau.patience=12")),
        ("{exponential: {factor: 0.729}}", ("exponential.factor=0.9",)),
    ],
)
def test_schedules_are_slower_in_the_same_measure(schedule: str, settings: tuple[str, ...], tmp_path: Path) -> None:
    """And the spec with these settings is a good one."""
    text = spec(train=f"{{epochs: 40, batch_size: 8, schedule: {schedule}}}")
    found = series.stretched(study_of(text).spec.train, 24, 72)
    assert found == ("train.epochs=120", *(f"train.schedule.{one}" for one in settings))
    (tmp_path / "case.yaml").write_text(text)
    assert check(tmp_path / "case.yaml", data=False, settings=found).require().spec.train.epochs == 120


def test_the_plan_is_kept_as_it_is(tmp_path: Path) -> None:
    members = tuple(planned("{folds: 2, group: patient}", fractions=(50.0, 100.0)))
    book = Book("case", {"file": "case.yaml", "folder": ".", "overrides": ["a=1"]}, "00", members)
    series.write(tmp_path, book)
    assert series.is_series(tmp_path)
    assert series.read(tmp_path) == book
    assert (book.folds, book.fractions, book.seeds) == (2, (50.0, 100.0), (42,))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format_version": 2}', '{"format_version": 1, "members": [{"x": 1}]}']
)
def test_a_damaged_plan(text: str, tmp_path: Path) -> None:
    (tmp_path / "series.json").write_text(text)
    with pytest.raises(SpeccError) as caught:
        series.read(tmp_path)
    assert caught.value.diagnostics[0].code == "T681"


# ---------------------------------------------------------------------- following


class Trainings:
    """Stands for trainings: notes each call, and does to a member what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, tuple[str, ...]]] = []
        self.does: dict[str, Callable[[], int]] = {}

    def __call__(self, spec: Any = None, **given: Any) -> Trained:
        started = given.get("folder")
        folder = Path(started or given["resume"] or "a run of its own")
        self.calls.append((folder.name, "start" if started else "resume", tuple(given.get("settings", ()))))
        if started:
            folder.mkdir()
        end = self.does.get(folder.name, lambda: 0)()
        return Trained(folder, end, 1, {}, Verdict("learning", 0, 0))


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    made = Trainings()
    monkeypatch.setattr(api, "train_once", made)
    monkeypatch.setattr(api, "summary_of", lambda folder, book, data: SeriesSummary(folder, {}, api_question()))
    monkeypatch.setattr(SeriesSummary, "lines", lambda self: ["the summary"])
    return made


def api_question() -> Any:
    from specc.run.evaluate import Question

    return Question(("dark", "light"))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    make_data(tmp_path)
    file = tmp_path / "case.yaml"
    file.write_text(spec(data=f"{{{PEOPLE}, split: {{folds: 3, group: patient}}}}"))
    return file


def failing() -> int:
    raise fault("T601", "a loss is not finite", "a lower learning rate", exit_code=3)


def interrupted() -> int:
    raise KeyboardInterrupt


def test_all_members_are_trained_in_their_order(case: Path, trainings: Trainings, tmp_path: Path) -> None:
    heard: list[Any] = []
    done = api.train(case, runs=tmp_path / "runs", settings=["train.epochs=2"], listen=heard.append)
    assert isinstance(done, api.Series)
    assert trainings.calls == [(f"fold-{n}", "start", ("train.epochs=2", f"data.split.fold={n}")) for n in (1, 2, 3)]
    assert [(e["name"], e["number"], e["of"]) for e in heard] == [(f"fold-{n}", n, 3) for n in (1, 2, 3)]
    assert done.exit_code == 0
    assert done.run == tmp_path / "runs/case/001"
    assert [one["state"] for one in done.plain()["members"]] == ["done"] * 3
    assert "3 of 3 runs finished" in done.lines()[0] and "the summary" in done.lines()
    book = series.read(done.run)
    assert book.spec == {"file": "../../../case.yaml", "folder": "../../..", "overrides": ["train.epochs=2"]}
    assert "epochs: 2" in (done.run / "spec.yaml").read_text()
    assert {one.images for one in book.members} == {12, 14}
    assert api.train(case, runs=tmp_path / "runs").run == tmp_path / "runs/case/002"


def test_one_run_is_trained_as_one(case: Path, trainings: Trainings) -> None:
    api.train(case, settings=["data.split.fold=2"])
    assert trainings.calls == [("a run of its own", "resume", ("data.split.fold=2",))]


def test_a_member_that_fails_leaves_the_others(case: Path, trainings: Trainings, tmp_path: Path) -> None:
    trainings.does["fold-2"] = failing
    done = api.train(case, runs=tmp_path)
    assert isinstance(done, api.Series)
    assert [name for name, *_ in trainings.calls] == ["fold-1", "fold-2", "fold-3"]
    assert done.exit_code == 3
    assert [one.code for one in done.warnings if one.severity == "error"] == ["T601", "T680"]
    assert done.members[1]["fault"] == "T601 a loss is not finite"
    assert any(line == "failed   fold-2: T601 a loss is not finite" for line in done.lines())
    assert done.summary is not None
    del trainings.does["fold-2"], trainings.calls[:]
    again = api.train(resume=done.run)
    assert [call[:2] for call in trainings.calls] == [("fold-2", "start")]  # it had trained nothing
    assert again.exit_code == 0


def test_all_members_may_fail(case: Path, trainings: Trainings, tmp_path: Path) -> None:
    trainings.does = dict.fromkeys(("fold-1", "fold-2", "fold-3"), failing)
    done = api.train(case, runs=tmp_path)
    assert isinstance(done, api.Series)
    assert (done.exit_code, done.summary) == (3, None)
    assert "no run finished" in done.lines()[0]


@pytest.mark.parametrize("stop", [interrupted, lambda: 130], ids=["while it is prepared", "while it trains"])
def test_stop_and_go_on(stop: Callable[[], int], case: Path, trainings: Trainings, tmp_path: Path) -> None:
    trainings.does["fold-2"] = stop
    done = api.train(case, runs=tmp_path)
    assert isinstance(done, api.Series)
    assert (done.exit_code, done.summary) == (130, None)
    assert [one["state"] for one in done.members] == ["done", "stopped", "waiting"]
    assert done.next == f"specc train --resume {done.run}"
    checkpoints = Run(done.run / "fold-2").checkpoints
    checkpoints.mkdir()
    (checkpoints / "last-1.safetensors").write_bytes(b"")
    del trainings.does["fold-2"], trainings.calls[:]
    again = api.train(resume=done.run)
    assert [call[:2] for call in trainings.calls] == [("fold-2", "resume"), ("fold-3", "start")]
    assert trainings.calls[1][2] == ("data.split.fold=3",)
    assert again.exit_code == 0
    del trainings.calls[:]
    assert api.train(resume=done.run).exit_code == 0
    assert trainings.calls == []


def spoiled(folder: Path, what: str) -> dict[str, Any]:
    """Change something since a series was started; what else its resume is asked for."""
    if what == "spec":
        (folder / "case.yaml").write_text((folder / "case.yaml").read_text().replace("epochs: 1", "epochs: 9"))
    if what == "image":
        (folder / "png/03.png").write_bytes((folder / "png/05.png").read_bytes())
    if what == "no spec":
        (folder / "case.yaml").unlink()
    return {"fractions": "50,100"} if what == "fractions" else {}


@pytest.mark.parametrize(
    ("what", "code"), [("spec", "T652"), ("image", "T653"), ("no spec", "T681"), ("fractions", "T682")]
)
def test_a_series_goes_on_only_as_it_was(
    what: str, code: str, case: Path, trainings: Trainings, tmp_path: Path
) -> None:
    trainings.does["fold-1"] = lambda: 130
    done = api.train(case, runs=tmp_path / "runs")
    del trainings.calls[:]
    asked = spoiled(tmp_path, what)
    with pytest.raises(SpeccError) as caught:
        api.train(resume=done.run, **asked)
    assert caught.value.diagnostics[0].code == code
    assert trainings.calls == []


def test_everything_is_checked_before_anything_is_trained(case: Path, trainings: Trainings, tmp_path: Path) -> None:
    for settings, fractions, code in (
        (["data.split.folds=30"], "", "D440"),
        (["data.split.folds=2"], "1,2,100", "T682"),
        (["model={layers: [{dense: {units: 2}}]}"], "", "S201"),
    ):
        with pytest.raises(SpeccError) as caught:
            api.train(case, settings=settings, fractions=fractions, runs=tmp_path / "runs")
        assert code in {one.code for one in caught.value.diagnostics}
    assert trainings.calls == []
    assert not (tmp_path / "runs").exists()


def test_fractions_are_stretched_and_counted(case: Path, trainings: Trainings, tmp_path: Path) -> None:
    settings = ["data.split={column: split}", "train.epochs=10", "train.batch_size=2"]
    done = api.train(case, settings=settings, fractions=(50, 100), runs=tmp_path)
    assert isinstance(done, api.Series)
    half, whole = done.book.members
    assert (half.groups, half.images, whole.groups, whole.images) == (3, 6, 6, 12)
    assert half.settings == ("data.split.use=50", "train.epochs=20")
    assert whole.settings == ("data.split.use=100",)


def test_sanity_is_of_one_program(case: Path, trainings: Trainings) -> None:
    api.train(case, sanity=True)
    assert trainings.calls == [("a run of its own", "resume", ())]


def test_the_book_holds_no_more_than_it_must(case: Path, trainings: Trainings, tmp_path: Path) -> None:
    """Neither a patient nor a file is named in series.json."""
    done = api.train(case, runs=tmp_path / "runs")
    text = (done.run / "series.json").read_text()
    assert "p1" not in text and "png/" not in text
    assert json.loads(text)["format_version"] == 1
