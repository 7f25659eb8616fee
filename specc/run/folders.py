"""`runs/<name>/<NNN>/`: made in one step, never overwritten, with everything that is needed to do it again."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path as FilePath
from typing import IO, Any

import yaml
from pydantic import BaseModel

from specc.plugin import Call
from specc.registry import Origin
from specc.run.faults import fault

LOCK_VERSION = 1
PACKAGES = (
    "specc-compiler", "torch", "numpy", "safetensors", "onnx", "onnxscript", "onnxruntime", "onnxruntime-gpu",
    "pydicom", "pillow", "tifffile", "scikit-learn", "pydantic", "PyYAML",
)  # fmt: skip
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder and the names in it."""

    folder: FilePath

    @property
    def spec(self) -> FilePath:
        """The spec as it was trained, overrides included."""
        return self.folder / "spec.yaml"

    @property
    def lock(self) -> FilePath:
        """Every default, hash, seed and version."""
        return self.folder / "spec.lock.yaml"

    @property
    def code(self) -> FilePath:
        """The emitted program."""
        return self.folder / "code"

    @property
    def index(self) -> FilePath:
        """SHA-256 of every image by its path under the data folder."""
        return self.folder / "data.lock.json"

    @property
    def metrics(self) -> FilePath:
        """One JSON object an epoch."""
        return self.folder / "metrics.jsonl"

    @property
    def checkpoints(self) -> FilePath:
        """`last-*.safetensors` and `best-*.safetensors`."""
        return self.folder / "checkpoints"

    @property
    def model(self) -> FilePath:
        """The exported model."""
        return self.folder / "model.onnx"

    @property
    def contract(self) -> FilePath:
        """What goes into the model and what comes out."""
        return self.folder / "contract.json"

    @property
    def eval(self) -> FilePath:
        """Predictions, figures and pictures."""
        return self.folder / "eval"

    @property
    def log(self) -> FilePath:
        """What the program wrote beside its events."""
        return self.folder / "log.txt"


def create(root: FilePath, name: str) -> Run:
    """A new, empty run `root/<name>/<NNN>/`; two that start at once get two numbers. Raises SpeccError T659."""
    try:
        parent = root / slug(name)
        parent.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(p.name) for p in parent.iterdir() if p.name.isascii() and p.name.isdecimal()), default=0)
        while True:
            with contextlib.suppress(FileExistsError):
                (parent / f"{number:03d}").mkdir()
                break
            number += 1
    except OSError as error:
        raise _unwritable(root, error) from error
    return Run(parent / f"{number:03d}")


def make(folder: FilePath) -> Run:
    """A new, empty run in a folder that must not be there yet. Raises SpeccError T659."""
    try:
        folder.mkdir()
    except OSError as error:
        raise _unwritable(folder, error) from error
    return Run(folder)


def slug(name: str) -> str:
    """A folder name that every system takes: letters, digits, `-`, `_` and `.`; never empty, hidden or reserved."""
    text = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip("._-").rstrip(".")[:64] or "run"
    return f"{text}_" if RESERVED.fullmatch(text) else text


def fill(run: Run, text: str, program: Mapping[str, str], lock: Mapping[str, Any], index: Mapping[str, str]) -> None:
    """Write spec, program, lock, data index and environment into a new run. Raises SpeccError T659."""
    try:
        run.code.mkdir()
        run.eval.mkdir()
        for name, content in program.items():
            write_new(run.code / name, content)
        write_new(run.spec, text)
        write_new(run.index, json.dumps(index, indent=0, ensure_ascii=True) + "\n")
        write_new(run.folder / "env.json", json.dumps(environment(), indent=2) + "\n")
        full = {"lock": LOCK_VERSION, **plain(lock), "spec_sha256": sha256(text), "code": hashes(program)}
        full |= {"data": {"images": len(index), "sha256": digest(index)}, "versions": versions()}
        write_new(run.lock, yaml.safe_dump(full, sort_keys=False, allow_unicode=True, width=120))
    except OSError as error:
        raise _unwritable(run.folder, error) from error


def write_new(file: FilePath, text: str) -> None:
    """Write a file that must not exist yet; the bytes are the same on every system."""
    with file.open("x", encoding="utf-8", newline="") as stream:
        stream.write(text)


def replace(file: FilePath, text: str) -> None:
    """Write a file whole or not at all."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    part.replace(file)


def refuse_existing(file: FilePath, force: bool) -> None:
    """Raise SpeccError T660 when something is there already, unless `force`; T659 where no file can be written."""
    if file.is_dir():
        raise fault("T660", f"{file} is a folder", f"name a file, such as `{file / 'answers.csv'}`")
    if not file.parent.is_dir():
        raise fault("T659", f"cannot write {file}: there is no folder {file.parent}", "make it, or choose another one")
    if file.exists() and not force:
        raise fault("T660", f"{file} is there already, and nothing is overwritten", "choose another name, or `--force`")
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise fault("T659", f"cannot write {file}: {error.strerror}", "choose another place") from error


def refuse_full(folder: FilePath, force: bool) -> None:
    """Raise SpeccError T660 where a folder for results holds something already, unless `force`, or is a file; T659
    where it would lie in a file.
    """
    if folder.exists() and not folder.is_dir():
        raise fault("T660", f"{folder} is a file", "name a new folder: `-o DIR`")
    above = next((place for place in folder.parents if place.exists()), FilePath())
    if not above.is_dir():
        raise fault("T659", f"cannot write {folder}: {above} is a file", "choose another place with `-o DIR`")
    if not force and folder.is_dir() and any(folder.iterdir()):
        cure = "name a new folder with `-o DIR`, or add `--force`"
        raise fault("T660", f"{folder} holds files already, and nothing is overwritten", cure)


def sha256(text: str) -> str:
    """Of the UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def hashes(program: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of every file of a program by name."""
    return {name: sha256(program[name]) for name in sorted(program)}


def digest(index: Mapping[str, str]) -> str:
    """One hash for all images: of the sorted pairs of path and hash."""
    pairs = json.dumps(sorted(index.items()), ensure_ascii=True)
    return sha256(pairs)


def versions() -> dict[str, str]:
    """Versions of the packages that a result may depend on, and of Python."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def recorded(origin: Origin) -> dict[str, str]:
    """What a lock says of a plugin: its distribution and version, and the hash of its source (R9); of specc itself the
    version alone.
    """
    known = {"distribution": origin.distribution, "version": origin.version, "sha256": origin.sha256}
    if origin.kind in ("own", "installed"):
        known["sha256"] = sources(origin.place.partition(".")[0])
    return {name: text for name, text in known.items() if text}


def sources(package: str) -> str:
    """One hash for all Python files of an importable package, or of a module that is one file; empty without source."""
    found = importlib.util.find_spec(package)
    if found is None or not found.origin:
        return ""
    file = FilePath(found.origin)
    files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    return digest({one.relative_to(file.parent).as_posix(): sha256(one.read_text("utf-8", "replace")) for one in files})


def environment() -> dict[str, Any]:
    """What the computer is, without its name or its user's."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "python": sys.version.split()[0],
        "versions": versions(),
    }


def plain(value: Any) -> Any:
    """Any value of a spec as what YAML and JSON hold: mappings, lists, numbers and text."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Call):  # as it is written: `adam: {learning_rate: 0.001}`
        return {value.name: plain(value.args)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


@contextlib.contextmanager
def claimed(run: Run) -> Iterator[None]:
    """Nobody else works in this run meanwhile; the claim ends with the process. Raises SpeccError T654."""
    with (run.folder / ".claim").open("a+b") as file:
        if not _lock(file):
            raise fault("T654", f"{run.folder} is in use by another process", "wait for it, or stop it first")
        yield


def _lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unwritable(place: FilePath, error: OSError) -> Exception:
    return fault("T659", f"cannot write {place}: {error.strerror}", "choose another place with `--runs DIR`")
