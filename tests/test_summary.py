"""Figures of several runs together: means over seeds, answers of all folds pooled, paired differences, verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from specc.run import metrics, summary
from specc.run.case_scores import CaseScores, PrimaryMetric
from specc.run.evaluate import MEAN, Question, Rows
from specc.run.evaluate.judge import figures as judged
from specc.run.series import Book, Member
from specc.run.summary import gain, of_task
from specc.run.summary.figures import Pooled, plain, pooled

CLASSES = Question(("a", "b"))
FINDINGS = Question(labels=("lit", "old"))
AGES = Question(targets=("age",), units=("years",))
BOTH = Question(targets=("age", "height"), units=("years", "m"))
QUESTIONS = {"classes": CLASSES, "findings": FINDINGS, "one value": AGES, "two values": BOTH}


def answers(question: Question, seed: int, skill: float = 1.0, patients: range = range(12)) -> Rows:
    """Four images a patient; the truth follows from patient and image, the answers from seed and skill (0 to 1)."""
    rows, dice = Rows.empty(), np.random.default_rng(seed)
    for who in patients:
        for n in range(4):
            truth = (who * 7 + n) % 2
            noise = dice.random() < 0.5 * (1 - skill)
            sure = 0.3 + 0.15 * dice.random()
            p = (1 - sure) if truth != noise else sure
            if question.classes:
                rows.add(f"{who}-{n}", f"P{who}", [truth], [1 - p, p], int(p > 0.5))
            elif question.labels:
                second = None if n == 3 else who % 2
                rows.add(f"{who}-{n}", f"P{who}", [truth, second], [p, 0.3 + 0.4 * (who % 2)], 0)
            else:
                ages = [20.0 + who + n, 1.0 + 0.01 * who][: len(question.targets)]
                off = [(3.0 - 2 * skill) * dice.standard_normal(), 0.1 * dice.standard_normal()]
                rows.add(f"{who}-{n}", f"P{who}", [*ages], [a + e for a, e in zip(ages, off, strict=False)], 0)
    return rows


def named(runs: list[Rows]) -> dict[str, Rows]:
    """Runs of several seeds, by the seed."""
    return {str(seed): rows for seed, rows in enumerate(runs)}


PEOPLE = sorted(f"P{who}" for who in range(12))


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_one_run_has_its_own_figures(question: Question) -> None:
    """Value and interval are those of `specc eval`, for patients in the order of the draws."""
    rows = answers(question, 1, 0.6)
    people = list(dict.fromkeys(rows.patients))
    found = plain(pooled({"1": rows}, [rows], people, question, False, 42))
    wanted = judged(rows, question, 42)
    flat = {"": found} if not question.several else found
    for name, of in ({"": wanted} if not question.several else wanted).items():
        for metric, figure in of.items():
            mine = flat[name][metric]
            assert {key: mine[key] for key in ("value", "low", "high")} == pytest.approx(figure), (name, metric)
            assert mine["runs"] == [mine["value"]]
            assert mine["sd"] is None


def test_a_mean_over_seeds_has_the_interval_of_the_mean() -> None:
    runs = [answers(CLASSES, seed, 0.5) for seed in range(3)]
    found = plain(pooled(named(runs), runs, PEOPLE, CLASSES, False, 42))["accuracy"]
    alone = [plain(pooled({"1": rows}, [rows], PEOPLE, CLASSES, False, 42))["accuracy"] for rows in runs]
    values = [one["value"] for one in alone]
    assert found["runs"] == values
    assert found["value"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (found["least"], found["most"]) == (min(values), max(values))
    assert found["high"] - found["low"] < max(one["high"] - one["low"] for one in alone)
    right = np.array([[t[0] == a for t, a in zip(r.targets, r.answers, strict=True)] for r in runs], float).mean(0)
    where = [PEOPLE.index(who) for who in runs[0].patients]
    drawn = np.random.default_rng(42).multinomial(12, [1 / 12] * 12, size=metrics.DRAWS)[:, where]
    values = (drawn * right).sum(1) / drawn.sum(1)
    assert [found["low"], found["high"]] == pytest.approx(np.quantile(values, [0.025, 0.975]))


def test_patients_may_come_in_any_order_and_in_any_run() -> None:
    """Seeds whose rows lie in another order are drawn alike."""
    rows = answers(CLASSES, 1, 0.5)
    turned = rows.some(list(range(len(rows.files)))[::-1])
    one, other = (pooled({"1": r}, [r], PEOPLE, CLASSES, False, 42)[""]["accuracy"] for r in (rows, turned))
    assert one.value == other.value
    assert np.allclose(one.draws["1"], other.draws["1"])


@pytest.mark.parametrize("question", [CLASSES, FINDINGS, BOTH], ids=["classes", "findings", "values"])
def test_one_answer_a_patient(question: Question) -> None:
    rows = Rows.empty()
    for who in range(10):
        for n in range(3):
            truth, p = who % 2, 0.2 + 0.6 * (who % 2) + 0.15 * (n - 1) * (-1) ** who * 3
            number = [[1 - p, p], [p, p], [p, p]][(question is FINDINGS) + 2 * (question is BOTH)]
            target: list[Any] = [truth] if question.classes else [truth, truth]
            rows.add(f"{who}-{n}", f"P{who}", target, number, int(p > 0.5))
    images = plain(pooled({"1": rows}, [rows], [f"P{who}" for who in range(10)], question, False, 1))
    people = plain(pooled({"1": rows}, [rows], [f"P{who}" for who in range(10)], question, True, 1))
    if question is BOTH:
        assert people["age"]["mae"]["value"] == pytest.approx(0.2)
        assert images["age"]["mae"]["value"] > 0.3
        return
    if question is FINDINGS:
        people, images = people[MEAN], images[MEAN]
    assert people["accuracy"]["value"] == 1.0 > images["accuracy"]["value"]


# ---------------------------------------------------------------------- verdicts

SIZES = (gain.Size(50, 24, 6), gain.Size(100, 48, 12))
ACCURACY, ERROR = PrimaryMetric("accuracy"), PrimaryMetric("mae", -1, 0.08, 0.0)


def of(question: Question, metric: str, skill: float, seeds: range = range(3)) -> Pooled:
    runs = [answers(question, seed, skill) for seed in seeds]
    return pooled(named(runs), runs, PEOPLE, question, False, 42)[""][metric]


def verdict(before: Pooled, after: Pooled, primary: PrimaryMetric = ACCURACY, **more: Any) -> gain.Gain:
    given = {"question": "", "patients": 12, "seed": 1, **more}
    return gain.judge(before, after, SIZES, primary, **given)


def test_more_cases_help() -> None:
    found = verdict(of(CLASSES, "accuracy", 0.1), of(CLASSES, "accuracy", 0.8))
    assert found.word == "yes"
    assert found.difference.low is not None and found.difference.low > 0
    assert found.text.startswith("yes: from 6 to 12 training patients the accuracy rose by 0.")
    assert "with twice as many again, expect about as much" in found.text
    error = verdict(of(AGES, "mae", 0.0), of(AGES, "mae", 1.0), ERROR)
    assert error.word == "yes"
    assert "the MAE fell by" in error.text
    assert error.plain()["from"] == {"percent": 50, "images": 24, "patients": 6}


def test_the_same_answers_are_flat_whatever_their_interval() -> None:
    """Patients differ much, and the pairs do not: the interval of the difference is none."""
    one = of(CLASSES, "accuracy", 0.5, range(1))
    found = verdict(one, one)
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert found.word == "no"
    assert "hardly more than 0.02" in found.text
    same = of(AGES, "mae", 0.5, range(1))
    assert verdict(same, same, ERROR).word == "no"


def test_a_loss_is_no_gain() -> None:
    found = verdict(of(CLASSES, "accuracy", 0.9), of(CLASSES, "accuracy", 0.1))
    assert found.word == "no"
    assert "the accuracy fell by 0." in found.text
    low, high = (float(word) for word in found.text.split("95 %: ")[1].split(")")[0].split(" to "))
    assert 0 < low < high


def test_chance_is_not_mistaken_for_gain() -> None:
    found = verdict(of(CLASSES, "accuracy", 0.45, range(1)), of(CLASSES, "accuracy", 0.5, range(1, 2)))
    assert found.word == "cannot tell"
    assert "train.repeats" in found.text


def test_seeds_are_drawn_too() -> None:
    """With seeds that differ the interval is wider than that of patients alone."""
    before, after = of(CLASSES, "accuracy", 0.3, range(4)), of(CLASSES, "accuracy", 0.6, range(4))
    found = verdict(before, after).difference
    alone = after.mean_draws() - before.mean_draws()
    low, high = np.quantile(alone, [0.025, 0.975])
    assert found.high is not None and found.low is not None
    assert found.high - found.low > high - low


@pytest.mark.parametrize(("patients", "word"), [(1, "only 1 patient validates"), (4, "only 4 patients validate;")])
def test_too_few_patients(patients: int, word: str) -> None:
    found = verdict(of(CLASSES, "accuracy", 0.1), of(CLASSES, "accuracy", 0.8), patients=patients)
    assert found.word == "cannot tell"
    assert word in found.text and "folds" in found.text


def test_nothing_left_to_gain_and_nothing_known() -> None:
    found = verdict(of(CLASSES, "accuracy", 0.8), of(CLASSES, "accuracy", 1.0))
    assert found.word == "no" and "leaves nothing to gain" in found.text
    assert verdict(Pooled({}), of(CLASSES, "accuracy", 1.0)).word == "cannot tell"


def test_seeds_are_compared_with_themselves() -> None:
    """A run that is missing leaves its seed out: two seeds that differ much are no gain of one over the other."""
    both = [answers(CLASSES, 42, 0.1), answers(CLASSES, 43, 0.9)]
    whole = pooled({"42": both[0], "43": both[1]}, both, PEOPLE, CLASSES, False, 42)[""]["accuracy"]
    part = pooled({"43": both[1]}, both[1:], PEOPLE, CLASSES, False, 42)[""]["accuracy"]
    for before, after in ((whole, part), (part, whole)):
        found = verdict(before, after)
        assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    other = pooled({"42": both[0]}, both[:1], PEOPLE, CLASSES, False, 42)[""]["accuracy"]
    found = verdict(other, part)
    assert found.word == "cannot tell" and found.difference.value is None
    assert "no seed is finished with 50 % and with 100 %" in found.text


def test_how_often_chance_is_taken_for_gain() -> None:
    """Two trainings of one skill: the verdict is `yes` in no more than 1 of 10 studies (2.5 % if all were ideal)."""
    words = [
        verdict(of(CLASSES, "accuracy", 0.5, range(n, n + 2)), of(CLASSES, "accuracy", 0.5, range(n + 2, n + 4))).word
        for n in range(0, 160, 4)
    ]
    assert words.count("yes") <= 4


# ---------------------------------------------------------------------- the whole


def baseline(question: Question, part: str, value: float) -> dict[str, Any]:
    names = ("accuracy", "balanced_accuracy", "auc", "sensitivity") if not question.targets else ("mae", "rmse", "r2")
    figures: dict[str, Any] = {name: {"value": value, "low": None, "high": None} for name in names}
    if question.several:
        figures = dict.fromkeys(((MEAN,) if question.labels else ()) + question.several, figures)
    return {part: {"baseline": {"trivial": figures, "intensity forest": figures}}}


def study(question: Question, folds: int, seeds: int, fractions: tuple[float, ...]) -> tuple[Book, list[Any]]:
    """A series with its finished runs: skill grows with the fraction."""
    members, finished = [], []
    for seed in range(42, 42 + seeds):
        for fraction in fractions or (None,):
            for fold in range(1, folds + 1) if folds else (None,):
                name = f"{fraction}-{fold}-{seed}"
                size = int(12 * (fraction or 100) / 100)
                member = Member(name, (), seed, fold, fraction, 4 * size, size, "done")
                people = range(12) if fold is None else range(fold - 1, 12, folds)
                rows = answers(question, seed * 100 + (fold or 0), (fraction or 60) / 110, people)
                both = baseline(question, "val", 0.5) | baseline(question, "test", 0.4)
                finished.append(summary.Finished(member, {"val": rows, "test": answers(question, seed, 0.5)}, both))
                members.append(member)
    return Book("case", {}, "", tuple(members)), finished


KINDS = {"seeds": (0, 3, ()), "folds": (3, 1, ()), "both": (2, 2, ()), "fractions": (0, 2, (25.0, 50.0, 100.0)),
         "all": (2, 2, (50.0, 100.0))}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_summary_of_every_kind(name: str, kind: str, tmp_path: Path) -> None:
    question, (folds, seeds, fractions) = QUESTIONS[name], KINDS[kind]
    book, finished = study(question, folds, seeds, fractions)
    found = summary.build("case/001", book, finished, question, 42)
    cells = found["val"]["cells"]
    assert len(cells) == len(found["test"]["cells"]) == max(1, len(fractions))
    assert found["val"]["images"] == 48 and found["val"]["patients"] == 12
    assert all(len(cell["runs"]) == max(1, folds) * seeds for cell in cells)
    assert ("more_data" in found) == bool(fractions)
    lines = "\n".join(summary.table(found, question))
    assert "validation (these images chose the epoch): 48 images, 12 patients" in lines
    assert ("all folds together" in lines) == (folds > 0)
    assert "models: every model is kept" in lines
    page = summary.markdown(found, question)
    assert page.startswith("# case/001: ")
    assert page.count("| --- |") >= 2
    summary.draw(found, question, tmp_path / "summary.png")
    with PIL.Image.open(tmp_path / "summary.png") as picture:
        assert picture.format == "PNG"
        assert picture.width == 1500 and 300 < picture.height < 1200
        assert len(picture.getcolors(1 << 24) or []) > 20


def test_pooled_folds_are_the_answers_put_together() -> None:
    book, finished = study(CLASSES, 3, 1, ())
    whole = Rows.empty()
    for one in finished:
        rows = one.answers["val"]
        for row in zip(rows.files, rows.patients, rows.targets, rows.numbers, rows.answers, strict=True):
            whole.add(*row)
    found = summary.build("case/001", book, finished, CLASSES, 42)["val"]["cells"][0]
    wanted = plain(pooled({"42": whole}, [one.answers["val"] for one in finished], PEOPLE, CLASSES, False, 42))
    assert found["metrics"] == wanted
    assert len(whole.files) == 48
    assert found["metrics"]["auc"]["value"] != np.mean(found["metrics"]["auc"]["runs"])
    assert found["baseline"]["trivial"] == dict.fromkeys(("accuracy", "balanced_accuracy", "auc", "sensitivity"), 0.5)


def test_a_series_with_runs_missing_says_so() -> None:
    """Of two seeds the one with all folds counts; the list of the runs that are missing is shown."""
    book, finished = study(CLASSES, 3, 2, ())
    found = summary.build("case/001", book, finished[:5], CLASSES, 42)
    assert found["runs"] == {"planned": 6, "finished": 5, "not_finished": ["None-3-43"]}
    assert found["val"]["cells"][0]["metrics"]["accuracy"]["value"] == pytest.approx(
        summary.build("case/001", book, finished[:3], CLASSES, 42)["val"]["cells"][0]["metrics"]["accuracy"]["value"]
    )
    assert "5 of 6 runs are finished; missing: None-3-43" in "\n".join(summary.table(found, CLASSES))
    partly = summary.build("case/001", book, finished[:2], CLASSES, 42)
    assert partly["val"]["images"] == 32


def test_more_data_is_judged_by_the_seeds_that_are_whole_at_both_sizes() -> None:
    """Of seed 43 one fold failed with half of the patients: only seed 42 says what more cases bring."""
    book, finished = study(CLASSES, 2, 2, (50.0, 100.0))
    part = [one for one in finished if one.member.name != "50.0-1-43"]
    alone = [one for one in finished if one.member.seed == 42]
    found, wanted = (summary.build("case/001", book, runs, CLASSES, 42)["more_data"] for runs in (part, alone))
    assert found == wanted | {key: found[key] for key in ("from", "to")}
    assert found["better_by"]["low"] is not None
    names = ("50.0-1-43", "50.0-2-42")
    none = summary.build("case/001", book, [o for o in finished if o.member.name not in names], CLASSES, 42)[
        "more_data"
    ]
    assert none["verdict"] == "cannot tell" and none["better_by"]["value"] is None


def test_runs_that_say_the_same_to_everything_are_named() -> None:
    book, finished = study(CLASSES, 0, 3, ())
    rows = finished[1].answers["val"]
    rows.answers[:] = [0] * len(rows.answers)
    told = summary.build("case/001", book, finished, CLASSES, 42)["val"]["remarks"]
    assert told == ["the model answers `a` to every image in 1 of 3 runs: None-None-43"]


# ---------------------------------------------------------------------- tasks with their own kind of answers


def told(one: Any) -> of_task.Judged:
    """A finished run of a task that calls the share of right answers `overlap`; some images alone have `b`."""
    figures: dict[str, Any] = {}
    cases = {}
    for part, rows in one.answers.items():
        right = [float(answer == target[0]) for answer, target in zip(rows.answers, rows.targets, strict=True)]
        some = [value if target[0] else None for value, target in zip(right, rows.targets, strict=True)]
        known = [value for value in some if value is not None]
        figures[part] = {
            "metrics": {"overlap": {"value": np.mean(right)}, "of all pixels": {"value": 0.3}},
            "classes": {"b": {"found": {"value": np.mean(known), "cases": len(known)}}},
            "baseline": {"nothing": {"overlap": {"value": 0.5}}},
        }
        cases[part] = [
            CaseScores(file, who, {"overlap": value, "b found": other}, {"nothing overlap": float(n % 2)})
            for n, (file, who, value, other) in enumerate(zip(rows.files, rows.patients, right, some, strict=True))
        ]
    return of_task.Judged(one.member, figures, cases, PrimaryMetric("overlap"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_is_summed_up_as_the_core_sums_up_accuracies(kind: str, tmp_path: Path) -> None:
    """A mean over cases is an accuracy: value, interval, spread and verdict are those of the core."""
    folds, seeds, fractions = KINDS[kind]
    book, finished = study(CLASSES, folds, seeds, fractions)
    found = of_task.build("case/001", book, [told(one) for one in finished], 42)
    wanted = summary.build("case/001", book, finished, CLASSES, 42)
    for part in ("val", "test"):
        assert found[part]["patients"] == 12
        for cell, other in zip(found[part]["cells"], wanted[part]["cells"], strict=True):
            ours, theirs = cell["metrics"]["overlap"], other["metrics"]["accuracy"]
            for key in ("value", "low", "high", "sd", "least", "most"):
                assert ours[key] == (None if theirs[key] is None else pytest.approx(theirs[key], abs=1e-12)), key
            sensitive = other["metrics"]["sensitivity"]
            assert cell["metrics"]["b found"]["value"] == pytest.approx(sensitive["value"])
            assert cell["metrics"]["b found"]["low"] == pytest.approx(sensitive["low"], abs=1e-9)
            assert cell["metrics"]["of all pixels"]["low"] is None and cell["metrics"]["of all pixels"]["value"] == 0.3
            assert cell["baseline"]["nothing overlap"]["low"] is not None
            assert (cell["percent"], cell["train_patients"]) == (other["percent"], other["train_patients"])
    assert ("more_data" in found) == bool(fractions)
    if fractions:
        ours, theirs = found["more_data"], wanted["more_data"]
        assert ours["verdict"] == theirs["verdict"]
        assert ours["better_by"] == pytest.approx(theirs["better_by"], abs=1e-12)
    page = of_task.markdown(found)
    assert "95 %" in page and "overlap" in page and ("more cases?" in page) == bool(fractions)
    of_task.draw(found, tmp_path / "summary.png")
    with PIL.Image.open(tmp_path / "summary.png") as picture:
        assert picture.format == "PNG" and picture.width > 500


def test_a_task_that_tells_of_no_cases_has_the_spread_alone() -> None:
    book, finished = study(CLASSES, 0, 3, ())
    silent = [of_task.Judged(one.member, told(one).figures, primary=PrimaryMetric("overlap")) for one in finished]
    figure = of_task.build("case/001", book, silent, 42)["val"]["cells"][0]["metrics"]["overlap"]
    assert figure["low"] is None and figure["sd"] is not None and len(figure["runs"]) == 3


def test_an_unbounded_goal_leaves_something_to_gain() -> None:
    """31 dB is more than 1, and not perfect."""
    draws = {str(seed): np.linspace(30.9, 31.1, 1000) for seed in range(2)}
    before = Pooled(dict.fromkeys(draws, 30.0), {seed: one - 1 for seed, one in draws.items()})
    found = verdict(before, Pooled(dict.fromkeys(draws, 31.0), draws), PrimaryMetric("psnr", 1, 0.1, None))
    assert found.word == "yes" and found.margin == 0.1


def change(one: of_task.Judged, part: str, name: str, scores: list[float | None]) -> of_task.Judged:
    """The same run with other scores of one figure."""
    known = [score for score in scores if score is not None]
    value = float(np.mean(known)) if known else None
    figures = {**one.figures, part: {**one.figures[part], "metrics": {name: {"value": value}}, "classes": {}}}
    pairs = zip(one.cases[part], scores, strict=True)
    cases = [CaseScores(case.file, case.patient, {name: score}, case.baselines) for case, score in pairs]
    return of_task.Judged(one.member, figures, {**one.cases, part: cases}, PrimaryMetric(name))


def test_a_figure_of_one_patient_has_no_interval_and_brings_no_verdict() -> None:
    book, finished = study(CLASSES, 0, 2, (50.0, 100.0))
    runs = []
    for one in finished:
        scores = [0.4 + 0.002 * (one.member.fraction or 0) if file.startswith("3-") else None
                  for file in one.answers["val"].files]  # fmt: skip
        runs.append(change(told(one), "val", "overlap", scores))
    found = of_task.build("case/001", book, runs, 42)
    for cell in found["val"]["cells"]:
        assert cell["metrics"]["overlap"]["low"] is None and cell["metrics"]["overlap"]["value"] is not None
    assert found["more_data"]["verdict"] == "cannot tell" and "only 1 patient validates" in found["more_data"]["text"]


def test_a_fold_may_lack_a_class() -> None:
    book, finished = study(CLASSES, 3, 1, ())
    runs = [change(told(one), "val", "overlap", [0.5 + 0.1 * (n % 3) for n in range(16)]) for one in finished]
    runs[1] = change(runs[1], "val", "overlap", [None] * 16)
    figure = of_task.build("case/001", book, runs, 42)["val"]["cells"][0]["metrics"]["overlap"]
    assert figure["low"] is not None and figure["runs"][1] is None
    assert figure["value"] == pytest.approx(
        np.mean([score.scores["overlap"] for k in (0, 2) for score in runs[k].cases["val"]])
    )


def test_runs_that_tell_of_no_cases_are_named() -> None:
    """Half of the runs were judged before cases were told: means as ever, no interval, and the cure."""
    book, finished = study(CLASSES, 0, 2, (50.0, 100.0))
    runs = [told(one) for one in finished]
    runs[0] = of_task.Judged(runs[0].member, runs[0].figures, {}, runs[0].primary)
    found = of_task.build("case/001", book, runs, 42)
    small, whole = (cell["metrics"]["overlap"] for cell in found["val"]["cells"])
    assert small["low"] is None and whole["low"] is not None
    assert small["value"] == pytest.approx(np.mean(small["runs"]))
    assert "no intervals: 50.0-None-42 tell of no cases" in found["val"]["remarks"][0] and "images" not in found["val"]
    assert "note: no intervals" in "\n".join(of_task.table(found))
    assert found["more_data"]["verdict"] == "cannot tell" and found["more_data"]["better_by"]["value"] is not None


def test_a_goal_that_no_case_tells_is_compared_without_an_interval() -> None:
    """With folds, too: a seed is a seed, and no place in a list."""
    for folds in (0, 3):
        book, finished = study(CLASSES, folds, 2, (50.0, 100.0))
        silent = [
            of_task.Judged(told(one).member, told(one).figures, primary=PrimaryMetric("of all pixels"))
            for one in finished
        ]
        more = of_task.build("case/001", book, silent, 42)["more_data"]
        assert more["verdict"] == "cannot tell" and "not told by case" in more["text"]
        assert more["better_by"]["value"] == pytest.approx(0)


def test_small_numbers_are_told_with_the_digits_that_matter() -> None:
    draws = {str(seed): np.full(1000, 0.0012) for seed in range(2)}
    before = Pooled(dict.fromkeys(draws, 0.0018), {seed: one + 0.0006 for seed, one in draws.items()})
    found = verdict(before, Pooled(dict.fromkeys(draws, 0.0012), draws), PrimaryMetric("error", -1, 0.0001, 0.0))
    assert found.word == "yes" and "fell by 0.00060" in found.text


def test_names_do_not_break_the_page() -> None:
    book, finished = study(CLASSES, 0, 1, ())
    one = change(told(finished[0]), "val", "x\n```\x1b[31m", [0.5] * 48)
    page = of_task.markdown(of_task.build("case/001", book, [one], 42))
    assert page.count("```") == 2 and "\x1b" not in page
