"""The linker: takes functions and classes out of tested modules and puts them, with all they refer to, into files.

A module belongs to one file of the program. Some modules are copied whole, the same bytes in every program; of the
others only what is asked for is taken, in the order of need. A name that a module imports from a module called
`slots` is a symbol: what the spec chose stands in its place, another piece or a literal. `IDENTITY` as a symbol
removes the call and leaves its first argument.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as FilePath

from specc.plugin import IDENTITY, Piece

OWN = "specc.pieces."


class LinkFault(Exception):
    """A piece refers to what is not there: a mistake of its author, not of a spec. `module` is where it stands."""

    def __init__(self, message: str, module: str) -> None:
        super().__init__(message)
        self.module = module


@dataclass(frozen=True)
class Module:
    """The text of a module, its top-level definitions, and what its imports bind: name -> (module, name or "")."""

    text: str
    definitions: Mapping[str, ast.stmt]
    imports: Mapping[str, tuple[str, str]]


@lru_cache(maxsize=256)
def read_module(name: str) -> Module:
    """A module's source, found without importing it. Raises LinkFault."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise LinkFault(f"there is no module {name}: {error}", name) from error
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise LinkFault(f"there is no source of module {name}", name)
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    try:
        return parse_module(FilePath(spec.origin).read_text(encoding="utf-8"), name, package)
    except (OSError, UnicodeDecodeError) as error:
        raise LinkFault(f"the source of module {name} cannot be read: {error}", name) from error


def parse_module(text: str, name: str = "", package: str = "") -> Module:
    """Definitions and imports of a module's text. Raises LinkFault for what is no Python."""
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, tuple[str, str]] = {}
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError) as error:
        raise LinkFault(f"module {name} is no Python: line {getattr(error, 'lineno', 1)}: {error}", name) from error
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            definitions[node.targets[0].id] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            definitions[node.target.id] = node
        elif isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                imports[alias.asname or top] = (alias.name if alias.asname else top, "")
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            source = from_where(node, package)
            imports |= {alias.asname or alias.name: (source, alias.name) for alias in node.names}
    return Module(text, definitions, imports)


def from_where(node: ast.ImportFrom, package: str) -> str:
    """The module that a `from ... import` names, relative ones counted from their package; a lone file has none."""
    if node.level and not package:
        return "." * node.level + (node.module or "")
    base = ".".join(package.split(".")[: len(package.split(".")) + 1 - node.level]) if node.level else ""
    return ".".join(part for part in (base, node.module) if part)


@dataclass
class Target:
    """One file in the making: import lines and pieces of text in order."""

    imports: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # name -> module, to find clashes


class Linker:
    """Collects pieces into files. `homes` maps modules to files, `whole` those that are copied, `printed` the modules
    that exist only as text (what the compiler prints for this spec)."""

    def __init__(
        self,
        homes: Mapping[str, str],
        whole: Mapping[str, str],
        symbols: Mapping[str, Piece | str],
        printed: Mapping[str, str],
    ) -> None:
        self.homes, self.whole, self.symbols = dict(homes), dict(whole), dict(symbols)
        self.printed = {name: parse_module(text, name) for name, text in printed.items()}
        self.packages = {module.partition(".")[0] for module in self.homes} - {"specc"}
        for place, module in self.printed.items():
            for name in sorted(module.imports.keys() & module.definitions.keys()) if place.startswith("<") else ():
                source, what = module.imports[name]
                message = f"{source}.{what} has the name of a thing that every such program defines itself"
                raise LinkFault(f"{message}: call it otherwise", source)
        self.files: dict[str, Target] = {}
        self.done: set[Piece] = set()
        self.copied: set[str] = set()
        self.uses: set[tuple[str, str]] = set()  # file, and a file that it imports from

    def module(self, name: str) -> Module:
        """A printed module or one that can be imported."""
        return self.printed[name] if name in self.printed else read_module(name)

    def home(self, module: str) -> str:
        """The file that a module's pieces go to. Raises LinkFault."""
        if module not in self.homes:
            raise LinkFault(f"module {module} has no file in the program", module)
        return self.homes[module]

    def take(self, piece: Piece) -> None:
        """Put a definition into its file, after all that it refers to."""
        if piece in self.done:
            return
        self.done.add(piece)
        module, file = self.module(piece.module), self.files.setdefault(self.home(piece.module), Target())
        if piece.name not in module.definitions:
            raise LinkFault(f"{piece.module} has no {piece.name}", piece.module)
        node = module.definitions[piece.name]
        self.stands_alone(piece, node)
        changes: list[tuple[ast.expr, str]] = []
        for use in loads(node):
            text = self.refer(module, piece, use.id, file)
            if text is not None and text != use.id:
                changes.append((use, text))
        left_out = [call for call in calls(node) if self.symbol_of(module, call.func) is IDENTITY]
        if file.names.setdefault(piece.name, piece.module) != piece.module:
            message = f"{piece.name} comes from {piece.module} and from {file.names[piece.name]}"
            raise LinkFault(message, piece.module)
        text = rewritten(module.text, node, changes, left_out)
        if not text.isascii():
            strange = next(char for char in text if not char.isascii())
            raise LinkFault(f"{piece.module}.{piece.name} holds {strange!a}, which is not ASCII", piece.module)
        file.texts.append(text)

    def stands_alone(self, piece: Piece, node: ast.stmt) -> None:
        """Raises LinkFault where a definition imports specc or a plugin when it runs."""
        for child in ast.walk(node):
            named = [alias.name for alias in child.names] if isinstance(child, ast.Import) else []
            named += [child.module or ""] if isinstance(child, ast.ImportFrom) else []
            for module in named:
                if module.partition(".")[0] in {"specc", *self.packages}:
                    message = (
                        f"{piece.module}.{piece.name} imports {module} inside of itself, and a program stands alone"
                    )
                    raise LinkFault(f"{message}: import it at the top of the module", piece.module)

    def symbol_of(self, module: Module, function: ast.expr) -> Piece | str | None:
        """What a called name is bound to, if it is a slot."""
        if not isinstance(function, ast.Name) or not is_slot(module, function.id):
            return None
        return self.symbols.get(module.imports[function.id][1])

    def refer(self, module: Module, piece: Piece, name: str, file: Target) -> str | None:
        """Make a name that a piece uses known in its file; the text to stand for it, None to leave it."""
        if name in module.definitions:
            self.take(Piece(piece.module, name)) if name != piece.name else None
            return name
        if name not in module.imports:
            if hasattr(builtins, name) or name in LOCAL:
                return name
            raise LinkFault(f"{piece.module}.{piece.name} uses {name}, which is not defined", piece.module)
        source, what = module.imports[name]
        if is_slot(module, name):
            bound = self.symbols.get(what)
            if bound is None:
                message = f"nothing is bound to the slot {what}, which {piece.module}.{piece.name} uses"
                raise LinkFault(message, piece.module)
            return self.bind(bound, file, piece)
        return self.bring(source, what, name, file, piece)

    def bind(self, bound: Piece | str, file: Target, user: Piece) -> str | None:
        """The text for a symbol; a piece is taken, and imported where it lives in another file."""
        if not isinstance(bound, Piece):
            return None if bound is IDENTITY else bound
        return self.bring(bound.module, bound.name, bound.name, file, user)

    def bring(self, source: str, what: str, name: str, file: Target, user: Piece) -> str:
        """Import a name that a piece uses, or take it if it is a piece."""
        home = self.home(user.module)
        inner = f"{source}.{what}"
        if inner in self.whole:
            self.copied.add(inner)
            stem = self.whole[inner]
            file.imports.add(f"import {stem}" + (f" as {name}" if name != stem else ""))
        elif source in self.whole:
            self.copied.add(source)
            file.imports.add(f"from {self.whole[source]} import {what}" + (f" as {name}" if name != what else ""))
        elif source in self.homes or source in self.printed:
            self.take(Piece(source, what))
            if self.home(source) != home:
                self.use(home, self.home(source), what, source)
                file.imports.add(f"from {self.home(source)} import {what}")
            return what
        elif source.startswith(OWN) or source.partition(".")[0] in self.packages:
            raise LinkFault(f"{source} has no file in the program, and {user.module}.{user.name} uses it", user.module)
        elif source.partition(".")[0] == "specc":
            message = f"{user.module}.{user.name} uses {name} of {source}, and a program needs no specc"
            raise LinkFault(f"{message}: pieces import names out of modules of specc.pieces", user.module)
        elif source.startswith("."):
            message = f"{user.module}.{user.name} uses {name} of {source}, and one file has nothing beside it"
            raise LinkFault(f"{message}: put it into the file, or make it a distribution", user.module)
        elif not what:
            file.imports.add(f"import {source}" + (f" as {name}" if name != source else ""))
        else:
            file.imports.add(f"from {source} import {what}" + (f" as {name}" if name != what else ""))
        return name

    def use(self, file: str, other: str, what: str, module: str) -> None:
        """Note that a file imports from another one. Raises LinkFault where that one needs it first."""
        needed, waiting = {other}, [other]
        for name in waiting:
            waiting += sorted({after for before, after in self.uses if before == name} - needed)
            needed.update(waiting)
        if file in needed:
            message = f"{file}.py and {other}.py would need each other: {what} cannot stand in {other}.py"
            raise LinkFault(message, module)
        self.uses.add((file, other))

    def text(self, file: str, head: str = "", foot: str = "") -> str:
        """A linked file, before formatting."""
        target = self.files[file]
        twice = {line for line in target.imports if renamed(line) in target.imports}
        return "\n".join([head, *sorted(target.imports - twice), "", "", "\n\n\n".join(target.texts), foot])

    def copy(self, module: str) -> str:
        """A module that is copied whole: its own text, with siblings imported by their file names. Raises LinkFault."""

        def sibling(found: re.Match[str]) -> str:
            source, names = found[1], found[2]
            if source:
                self.copied.add(OWN + source)
                return f"from {source} import {names}"
            self.copied.update(OWN + name.split(" as ")[0].strip() for name in names.split(","))
            return "\n".join(f"import {name.strip()}" for name in names.split(","))

        text = re.sub(rf"^from {OWN[:-1]}(?:\.(\w+))? import (.+)$", sibling, read_module(module).text, flags=re.M)
        if OWN in text or f"from {OWN[:-1]}" in text:
            raise LinkFault(f"{module} imports its siblings in a way that cannot be copied", module)
        return text


LOCAL = {"__file__", "__name__"}


def renamed(line: str) -> str:
    """`from torch.nn import functional as F` as `import torch.nn.functional as F`, which binds the same."""
    hit = re.fullmatch(r"from (\S+) import (\S+) as (\S+)", line)
    return f"import {hit[1]}.{hit[2]} as {hit[3]}" if hit else ""


def is_slot(module: Module, name: str) -> bool:
    """Whether a name of a module is a symbol that the program binds."""
    return name in module.imports and module.imports[name][0].rpartition(".")[2] == "slots"


@lru_cache(maxsize=2048)
def loads(node: ast.stmt) -> tuple[ast.Name, ...]:
    """The names that a definition takes from outside of itself, where they stand."""
    bound = {
        child.id for child in ast.walk(node) if isinstance(child, ast.Name) and not isinstance(child.ctx, ast.Load)
    }
    for child in ast.walk(node):
        if isinstance(child, ast.arg):
            bound.add(child.arg)
        elif isinstance(child, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and child is not node and child.name:
            bound.add(child.name)
    return tuple(
        child
        for child in ast.walk(node)
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load) and child.id not in bound
    )


@lru_cache(maxsize=2048)
def calls(node: ast.stmt) -> tuple[ast.Call, ...]:
    """The calls in a definition."""
    return tuple(child for child in ast.walk(node) if isinstance(child, ast.Call))


def rewritten(
    text: str, node: ast.stmt, changes: list[tuple[ast.expr, str]], left_out: list[ast.Call] | None = None
) -> str:
    """The source of a definition with its decorators and comments, some expressions replaced, and for the calls that
    are left out their first argument.
    """
    lines = text.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    data = bytearray(text.encode())
    first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
    begin, end = starts[first - 1], starts[node.end_lineno or first]  # with the comment at its end

    def ends(use: ast.expr) -> tuple[int, int]:
        stop = starts[(use.end_lineno or 0) - 1] + (use.end_col_offset or 0)
        return starts[use.lineno - 1] + use.col_offset, stop

    gone = []
    for call in left_out or ():
        (start, stop), (first_start, first_stop) = ends(call), ends(call.args[0])
        gone += [(start, first_start, ""), (first_stop, stop, "")]
    places = [(*ends(use), new) for use, new in changes]
    kept = [place for place in places if not any(start <= place[0] < stop for start, stop, _ in gone)]
    for start, stop, new in sorted([*kept, *gone], reverse=True):
        data[start:stop] = new.encode()
        end += len(new.encode()) - (stop - start)
    return data[begin:end].decode().rstrip()
