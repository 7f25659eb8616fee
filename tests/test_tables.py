"""Tables: manifests are read without guessing, files stay inside, groups stay together."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.pieces import tables

ROWS = [{"file": "a.png", "label": "x"}, {"file": "b,c.png", "label": "007"}]


def manifest(folder: Path, data: bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        b'file,label\na.png,x\n"b,c.png",007\n',
        b'\xef\xbb\xbffile,label\r\na.png,x\r\n"b,c.png",007\r\n',
        b"file;label\na.png;x\nb,c.png;007",
        b'file,label\n\na.png,x\n"b,c.png",007\n\n',
    ],
    ids=["plain", "bom and crlf", "semicolons", "empty lines"],
)
def test_manifests_that_are_read(data: bytes, tmp_path: Path) -> None:
    assert tables.read_manifest(manifest(tmp_path, data)) == ROWS


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "line 1: no column names"),
        (b"\n\n", "line 1: no column names"),
        (b"file,label\na.png,caf\xe9\n", "line 2: not UTF-8"),
        (b"file,label\na.png,x\nb.png\n", "line 3: 1 fields, the header has 2"),
        (b"file,label\na.png,x,y\n", "line 2: 3 fields"),
        (b"file,file\na,b\n", "two columns have the same name"),
        (b'file,label\n"a.png,x\n', "line 2"),
        ("file\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_manifests_that_are_refused(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words):
        tables.read_manifest(manifest(tmp_path, data))


def test_a_field_may_hold_anything(tmp_path: Path) -> None:
    text = 'file,label\n"new\nline\u2028.png","quoted ""x"" \x0b"\n'
    assert tables.read_manifest(manifest(tmp_path, text.encode())) == [
        {"file": "new\nline\u2028.png", "label": 'quoted "x" \x0b'}
    ]


def test_folders_are_the_classes_in_their_order(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/deep/1", "a/1.png", "a/.hidden", "a/Thumbs.db", ".git/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert tables.read_folders(tmp_path, ["b", "a"]) == [
        {"file": "b/2.png", "label": "b"},
        {"file": "b/deep/1", "label": "b"},
        {"file": "a/1.png", "label": "a"},
    ]
    assert [row["file"] for row in tables.read_images(tmp_path)] == ["a/1.png", "b/2.png", "b/deep/1"]
    for classes in (["a"], ["a", "b", "c"], ["a", "B"]):
        with pytest.raises(ValueError, match="are not the classes"):
            tables.read_folders(tmp_path, classes)


@pytest.mark.parametrize(
    "name",
    [
        *("..", "../x", "a/../../x", "a/../b", "/etc/passwd", "//host/share", "\\\\host\\share", "C:\\x", "C:x", "\\x"),
        *("", "a\0b", "..\\x", "link/secret", "out"),
    ],
)
def test_names_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    root, other = tmp_path / "data", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    (other / "secret").write_bytes(b"")
    (root / "link").symlink_to(other)
    (root / "out").symlink_to(other / "secret")
    with pytest.raises(ValueError, match=r"plain path inside|leads out"):
        tables.inside(root, name)


def test_names_that_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "b").symlink_to(tmp_path / "data" / "a")
    for name in ("a", "x/y.png", "-dash", "$(rm).png", "...", "a..b", "b", "new\nline"):
        assert tables.inside(tmp_path / "data", name).is_relative_to((tmp_path / "data").resolve())
        assert tables.inside(tmp_path / "alias", name).is_relative_to((tmp_path / "data").resolve())


def test_groups() -> None:
    files = ["a/P1_1.png", "a/P1_2.png", "b/P2.png"]
    assert tables.group_by_folder(files) == ["a", "a", "b"]
    assert tables.group_before(files, "_") == ["P1", "P1", "P2.png"]
    assert tables.group_by_column([{"who": "x"}, {"who": "y"}], "who") == ["x", "y"]


def test_a_split_that_a_column_tells() -> None:
    assert tables.split_column([{"s": "val"}, {"s": "train"}], "s") == ["val", "train"]
    for word in ("valid", "", "Train"):
        with pytest.raises(ValueError, match="row 2"):
            tables.split_column([{"s": "val"}, {"s": word}], "s")


IMAGES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=200)
SHARES = st.sampled_from([{"train": 80.0, "val": 20.0}, {"train": 60.0, "val": 20.0, "test": 20.0}])


@given(IMAGES, SHARES, st.integers(0, 2**40))
@settings(max_examples=150, deadline=None)
def test_no_group_on_two_sides_and_the_same_again(
    images: list[tuple[str, int]], shares: dict[str, float], seed: int
) -> None:
    labels, groups = [label for label, _ in images], [f"P{who}" for _, who in images]
    parts = tables.split_grouped(labels, groups, shares, seed)
    assert set(parts) <= set(shares)
    where = defaultdict(set)
    for group, part in zip(groups, parts, strict=True):
        where[group].add(part)
    assert all(len(sides) == 1 for sides in where.values())
    assert parts == tables.split_grouped(labels, groups, shares, seed)
    backwards = tables.split_grouped(labels[::-1], groups[::-1], shares, seed)
    assert backwards[::-1] == parts


@given(st.lists(st.sampled_from("ab"), min_size=40, max_size=300), SHARES, st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_single_images_reach_the_shares_in_every_class(labels: list[str], shares: dict[str, float], seed: int) -> None:
    parts = tables.split_grouped(labels, [str(n) for n in range(len(labels))], shares, seed)
    for label, total in Counter(labels).items():
        for part, share in shares.items():
            count = sum(pair == (label, part) for pair in zip(labels, parts, strict=True))
            assert abs(count - total * share / 100) < 1.5


def test_equal_groups_reach_the_shares_in_every_class() -> None:
    groups = [f"P{n // 10}" for n in range(1000)]
    labels = ["a" if n // 10 % 4 else "b" for n in range(1000)]
    parts = tables.split_grouped(labels, groups, {"train": 70, "val": 20, "test": 10}, 3)
    assert Counter(parts) == pytest.approx({"train": 700, "val": 200, "test": 100}, abs=20)
    for label in "ab":
        of = Counter(part for part, one in zip(parts, labels, strict=True) if one == label)
        assert of["val"] == pytest.approx(0.2 * labels.count(label), abs=20)


def test_seeds_give_other_splits() -> None:
    names = [str(n) for n in range(50)]
    splits = {tuple(tables.split_grouped([""] * 50, names, {"train": 80, "val": 20}, seed)) for seed in range(20)}
    assert len(splits) == 20


@given(IMAGES, SHARES, st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_a_class_of_enough_people_is_in_every_part(
    images: list[tuple[str, int]], shares: dict[str, float], seed: int
) -> None:
    labels = [label for label, _ in images]
    groups = [f"{label}{who}" for label, who in images]  # everyone has one class
    parts = tables.split_grouped(labels, groups, shares, seed)
    for label in set(labels):
        people = {group for group, one in zip(groups, labels, strict=True) if one == label}
        there = {part for part, one in zip(parts, labels, strict=True) if one == label}
        assert len(there) == min(len(people), len(shares))
