"""Folds and parts of the training images: functions of names, classes and a seed; the same in check and program."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import SAME, events, make_data, program, put, run_all, spec, study_of

from specc.data import look_at
from specc.pieces import folds, subset, tables

Images = list[tuple[str, int]]
IMAGES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=200)
COUNTS, SEEDS = st.integers(2, 7), st.integers(0, 2**40)


def taken(images: Images) -> tuple[list[list[str]], list[str]]:
    """Classes and groups of images (class, number of the person); a person may have images of several classes."""
    return [[label] for label, _ in images], [f"P{who}" for _, who in images]


@given(IMAGES, COUNTS, SEEDS)
@settings(max_examples=150, deadline=None)
def test_every_image_validates_once_and_no_group_is_torn(images: Images, count: int, seed: int) -> None:
    marks, groups = taken(images)
    numbers = folds.dealt(marks, groups, [False] * len(groups), count, seed)
    assert set(numbers) <= set(range(1, count + 1))
    assert len(set(zip(groups, numbers, strict=True))) == len(set(groups))
    validated = Counter[int]()
    for fold in range(1, count + 1):
        parts = folds.parts(numbers, fold)
        assert set(parts) <= {"train", "val"}
        validated.update(place for place, part in enumerate(parts) if part == "val")
    assert validated == dict.fromkeys(range(len(images)), 1)


@given(IMAGES.flatmap(lambda images: st.tuples(st.just(images), st.permutations(range(len(images))))), COUNTS, SEEDS)
@settings(max_examples=80, deadline=None)
def test_rows_may_come_in_any_order(shuffled: tuple[Images, list[int]], count: int, seed: int) -> None:
    images, order = shuffled
    marks, groups = taken(images)
    other_marks, other_groups = taken([images[place] for place in order])
    apart = folds.held_out(marks, groups, 20.0, seed)
    assert [apart[place] for place in order] == folds.held_out(other_marks, other_groups, 20.0, seed)
    numbers = folds.dealt(marks, groups, apart, count, seed)
    again = folds.dealt(other_marks, other_groups, [apart[place] for place in order], count, seed)
    assert [numbers[place] for place in order] == again
    parts = folds.parts(numbers, 1)
    some = subset.train_on(parts, marks, groups, 40.0, seed)
    others = subset.train_on([parts[place] for place in order], other_marks, other_groups, 40.0, seed)
    assert [some[place] for place in order] == others


@given(IMAGES, COUNTS, SEEDS)
@settings(max_examples=80, deadline=None)
def test_what_stays_apart_is_of_no_fold_and_does_not_depend_on_their_number(
    images: Images, count: int, seed: int
) -> None:
    marks, groups = taken(images)
    apart = folds.held_out(marks, groups, 20.0, seed)
    assert len(set(zip(groups, apart, strict=True))) == len(set(groups))
    numbers = folds.dealt(marks, groups, apart, count, seed)
    assert [number == 0 for number in numbers] == apart
    assert [part == "test" for part in folds.parts(numbers, 1)] == apart


@given(st.lists(st.sampled_from("aab"), min_size=30, max_size=300), COUNTS, SEEDS)
@settings(max_examples=60, deadline=None)
def test_folds_of_single_images_are_even_in_every_class(labels: list[str], count: int, seed: int) -> None:
    numbers = folds.dealt(
        [[x] for x in labels], [str(n) for n in range(len(labels))], [False] * len(labels), count, seed
    )
    for name, total in Counter(labels).items():
        of = Counter(fold for fold, label in zip(numbers, labels, strict=True) if label == name)
        assert all(abs(of[fold] - total / count) < 2 for fold in range(1, count + 1))
    assert all(abs(n - len(labels) / count) < 2 for n in Counter(numbers).values())


@given(st.dictionaries(st.integers(0, 60), st.sampled_from("abc"), min_size=10), COUNTS, SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_class_of_enough_people_is_in_every_fold(people: dict[int, str], count: int, seed: int) -> None:
    images = [(label, who) for who, label in people.items() for _ in range(who % 4 + 1)]
    numbers = folds.dealt(*taken(images), [False] * len(images), count, seed)
    for name, patients in Counter(people.values()).items():
        there = {fold for fold, (label, _) in zip(numbers, images, strict=True) if label == name}
        assert len(there) == min(patients, count)


def test_folds_that_a_column_tells() -> None:
    assert folds.told(["1", " 3", "test", "2"], 3) == [1, 3, 0, 2]
    for word in ("0", "4", "", "train", "1.0"):
        with pytest.raises(ValueError, match="row 2"):
            folds.told(["1", word], 3)


def groups_of(parts: list[str], groups: list[str]) -> set[str]:
    return {group for part, group in zip(parts, groups, strict=True) if part == "train"}


@given(IMAGES, st.lists(st.integers(1, 100), min_size=2, max_size=4, unique=True), SEEDS)
@settings(max_examples=150, deadline=None)
def test_more_training_groups_hold_the_fewer(images: Images, percents: list[int], seed: int) -> None:
    marks, groups = taken(images)
    parts = tables.split_grouped([label for label, _ in images], groups, {"train": 70, "val": 30}, seed)
    if "train" not in parts:
        return
    before: set[str] = set()
    for percent in sorted(percents):
        some = subset.train_on(parts, marks, groups, percent, seed)
        assert [part == "val" for part in some] == [part == "val" for part in parts]
        now, whole = groups_of(some, groups), groups_of(parts, groups)
        assert before <= now <= whole
        assert len(now) == max(1, int(len(whole) * percent / 100 + 0.5))
        assert {p for p, g in zip(some, groups, strict=True) if g in now} <= {"train", "val"}
        before = now
    assert subset.train_on(parts, marks, groups, 100.0, seed) == parts


@given(st.dictionaries(st.integers(0, 200), st.sampled_from(("a", "b", "c", "ab")), min_size=5), SEEDS)
@settings(max_examples=100, deadline=None)
def test_every_beginning_of_the_line_is_like_the_whole(people: dict[int, str], seed: int) -> None:
    held = {f"P{who}": set(classes) for who, classes in people.items()}
    line = subset.in_line(held, seed)
    assert sorted(line) == sorted(held)
    kinds = Counter(frozenset(classes) for classes in held.values())
    classes = set().union(*held.values())
    seen = Counter[frozenset[str]]()
    for n, group in enumerate(line, 1):
        seen[frozenset(held[group])] += 1
        assert all(abs(seen[kind] - total * n / len(line)) <= 1 + len(kinds) for kind, total in kinds.items())
        assert n < len(classes) or set().union(*(held[one] for one in line[:n])) == classes


def test_seeds_give_other_folds_and_other_beginnings() -> None:
    names = [str(n) for n in range(40)]
    empty: list[list[str]] = [[] for _ in names]
    assert len({tuple(folds.dealt(empty, names, [False] * 40, 4, seed)) for seed in range(20)}) == 20
    assert len({tuple(subset.in_line({name: set() for name in names}, seed)[:10]) for seed in range(20)}) == 20


# ------------------------------------------------------------------ in a program

PEOPLE = "manifest: png.csv, columns: {image: file, label: label, patient: patient}"
SPLITS = {
    "folds": "{folds: 3, group: patient}",
    "fold": "{folds: 3, fold: 3, seed: 7, group: patient}",
    "test": "{folds: 2, test: 30, group: patient}",
    "column": "{folds: 2, column: split}",
    "use": "{train: 70, val: 30, group: patient, use: 50}",
    "use of a column": "{column: split, use: 60}",
    "use of folds": "{folds: 2, fold: 2, group: patient, use: 50}",
}


SPECS = {name: spec(data=f"{{{PEOPLE}, split: {split}}}") for name, split in SPLITS.items()}
FINDINGS = "manifest: findings.csv, columns: {image: file, labels: {lit: lit, old: old}, patient: patient}"
SPECS["findings"] = spec(
    output="{labels: [lit, old]}",
    data=f"{{{FINDINGS}, split: {{folds: 2, group: patient, use: 70}}}}",
    model="{layers: [global_avgpool, {dense: {units: 2, activation: sigmoid}}]}",
)
SPECS["values"] = spec(
    task="regression",
    output="{target: age}",
    data="{manifest: png.csv, columns: {image: file, target: age, patient: patient}, "
    "split: {folds: 2, group: {before: '.'}, use: 70}}",
    model="{layers: [global_avgpool, {dense: {units: 1}}]}",
    loss="mean_squared_error",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[int, str]]]:
    """The folder of the data with a program for each spec, all of them run."""
    folder = make_data(tmp_path_factory.mktemp("splits"))
    places = [put(program(text), folder / "programs" / name).parent for name, text in SPECS.items()]
    return folder, run_all(places, folder)


@pytest.mark.parametrize("name", SPECS)
def test_a_program_splits_as_the_check_says(name: str, trained: tuple[Path, dict[str, tuple[int, str]]]) -> None:
    """Which image is in which part, by the predictions of the program and by the check."""
    folder, done = trained
    status, heard = done[name]
    assert status == 0, heard
    look, _ = look_at(study_of(SPECS[name], str(folder / "case.yaml")), None, folder)
    wanted = {row.file: part for row, part in zip(look.table.rows, look.parts, strict=True) if part != subset.LEFT_OUT}
    lines = (folder / "programs" / name / "run/eval/predictions.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {line.split(",")[1]: line.split(",")[0] for line in lines} == {f"./{n}": part for n, part in wanted.items()}
    assert next(e for e in events(heard) if e["event"] == "start")["images"] == Counter(wanted.values())
    assert set(wanted.values()) >= {"train", "val"}


def test_programs_hold_what_they_need() -> None:
    """The file of folds where there are folds, that of the subset where images are left out."""
    plain = program(spec())
    assert {"folds.py", "subset.py"}.isdisjoint(plain)
    with_folds = program(spec(data=f"{{{PEOPLE}, split: {SPLITS['folds']}}}"))
    assert "folds.py" in with_folds and "subset.py" not in with_folds
    half = program(spec(data=f"{{{PEOPLE}, split: {SPLITS['use']}}}"))
    assert "subset.py" in half and "folds.py" not in half
    everybody = spec(data=f"{{{PEOPLE}, split: {{column: split, use: 100}}}}")
    assert {n: t for n, t in program(everybody).items() if n not in ("contract.json", "train.py")} == {
        name: text for name, text in plain.items() if name not in ("contract.json", "train.py")
    }
    assert all(plain[f"{name}.py"] == with_folds[f"{name}.py"] for name in SAME)


def test_repeats_change_nothing_in_a_program() -> None:
    """Each training of a series is a program of its own, with a seed of its own."""
    one, three = program(spec()), program(spec(train="{epochs: 1, batch_size: 8, repeats: 3}"))
    contracts = [json.loads(files.pop("contract.json")) for files in (one, three)]
    hashes = [contract.pop("spec_sha256") for contract in contracts]
    assert contracts[0] == contracts[1]
    same = {name: text.replace(hashes[1][:16], hashes[0][:16]) for name, text in three.items()}
    assert same == one
