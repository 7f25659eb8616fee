"""The whole plugin interface: plain frozen records. A distribution names one `Plugin` in the group `specc.plugins`.

Built-in layers, losses, optimizers and tasks are records like any other; a plugin can do what they do and the core
holds no name of any of them. Records name the code that goes into a program as `Piece(module, function)`: the linker
reads its source without importing it, so that checking and compiling never load torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from specc.arguments import Activation as Activation
from specc.arguments import Arguments as Arguments
from specc.arguments import Call as Call
from specc.arguments import Count as Count
from specc.arguments import Init as Init
from specc.arguments import Kind as Kind
from specc.arguments import Pair as Pair
from specc.errors import Diagnostic
from specc.ir import Answers
from specc.layer import Builder as Builder
from specc.layer import Layer as Layer
from specc.layer import Op as Op
from specc.layer import Piece as Piece
from specc.layer import ShapeFault as ShapeFault
from specc.shapes import Shape

if TYPE_CHECKING:
    from specc.data.look import DataRule
    from specc.study import Study

API = 1  # the version of this interface; a plugin states the one that it was made for


STEP = frozenset({"schedule", "phases", "grad_clip", "accumulate", "ema", "precision", "mixup"})  # see Task.heeds
IDENTITY = "<identity>"  # as a symbol: the call is left out and its first argument stands for it


@dataclass(frozen=True, slots=True)
class Loss:
    """A word for `loss:`. The piece has the signature `(logits, targets) -> (B,) loss of each sample`.

    `fits` names the final activations that it may follow; the loss works on logits where that is sigmoid or softmax.
    `bind(arguments)` gives keyword arguments that the program prints as literals. Where arguments or the kind of
    answers decide which pieces are called, `compose(arguments, answers)` gives the expression instead, in `outputs`
    and `targets`, and the names in the piece's module that it uses.
    """

    name: str
    piece: Piece
    fits: tuple[str, ...]
    doc: str
    source: str = ""
    arguments: type[Arguments] = Arguments
    bind: Callable[[Any], Mapping[str, Any]] = lambda arguments: {}
    spellings: tuple[str, ...] = ()  # other libraries' names, refused with a safe fix
    compose: Callable[[Any, Answers], tuple[str, tuple[str, ...]]] | None = None


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A word for `optimizer:`. `torch` is the class to print (`torch.optim.Adam`), `keywords(arguments)` its literal
    keyword arguments, of which `lr` is the learning rate. Where torch has none, `piece` is a class of the program, made
    from torch.optim.Optimizer, and `torch` its name.

    `moments(arguments)` is how many numbers it keeps for each weight from one step to the next.
    """

    name: str
    torch: str
    arguments: type[Arguments]
    keywords: Callable[[Any], Mapping[str, Any]]
    doc: str
    source: str = ""
    moments: Callable[[Any], int] = lambda arguments: 2
    piece: Piece | None = None


@dataclass(frozen=True, slots=True)
class Initializer:
    """A word for `init:`. `torch` is the function to print (`nn.init.xavier_uniform_`), `keywords` its arguments.

    Where torch has none, `piece` is a function of the program (`weight -> None`, in place) and `torch` its name.
    `ops` are the operations whose weights it can fill (empty: all).
    """

    name: str
    torch: str
    arguments: type[Arguments]
    keywords: Callable[[Any], Mapping[str, Any]]
    doc: str
    source: str = ""
    piece: Piece | None = None
    ops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Augmentation:
    """A word for `augment:`. Its piece is a function of uniform numbers `u` (B, draws), which follow from (seed, stage,
    epoch, place in the list, sample), and of what `bind(arguments)` gives as literal keywords.

    A change of brightness is `(images (B, C, H, W) with black = 0, u, ...) -> images`. One that `moves` is
    `(points (B, N, 2), u, size, ...) -> points`: where points of the changed image lie in the image that it is made of,
    as x and y in pixels from the middle of a canvas of `size` (height, width). Moves that follow each other are
    composed, the image is read once, and masks, boxes and paired images move by the same function.

    `draws(arguments, shape)` is how many numbers a sample needs; `shape` is (channels, height, width). Arguments with a
    field `probability` leave the other samples as they are.

    One that needs other samples or their answers `mixes`: its piece is the program's `batch_loss`, `mixes` is the one
    that gives the images as the network gets them (`slots.seen`), and `bind` gives literals for slots; it comes last.
    """

    name: str
    piece: Piece
    draws: Callable[[Any, tuple[int, int, int]], int]
    arguments: type[Arguments]
    bind: Callable[[Any], Mapping[str, Any]]
    doc: str
    moves: bool = False
    example: str = ""
    source: str = ""
    mixes: Piece | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """A word for `input: edits`. Its piece is `(images (B, C, H, W), ...) -> images` of the same shape, always the same
    for the same images, with what `bind(arguments)` gives as literal keywords. Values lie in 0..1 with black 0, after
    window and channels, and images have the size of the file, which may be 1 x 1; the exported model contains it.
    """

    name: str
    piece: Piece
    arguments: type[Arguments] = Arguments
    bind: Callable[[Any], Mapping[str, Any]] = lambda arguments: {}
    doc: str = ""
    example: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Explainer:
    """A word for `specc eval --explain`: what in an image an answer hangs on, asked of the exported model.

    Its piece, of numpy alone and imported when it is asked, is `(ask, image (C, H, W), ...) -> (H, W)` with what
    `bind(arguments)` gives: `image` is what the network sees, `ask(images (N, C, H, W)) -> (N,)` is the number that is
    explained, and more of the map means that the answer needs more of that place.
    """

    name: str
    piece: Piece
    arguments: type[Arguments] = Arguments
    bind: Callable[[Any], Mapping[str, Any]] = lambda arguments: {}
    doc: str = ""
    example: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A word for `train: schedule`. `compose(arguments)` gives the factor of the learning rate at `time` (runtime.Time)
    as an expression, and the names of `module` that it uses; `symbols(arguments)` are slots that it fills besides.
    """

    name: str
    module: str
    arguments: type[Arguments]
    compose: Callable[[Any], tuple[str, tuple[str, ...]]]
    doc: str
    source: str = ""
    symbols: Callable[[Any], Mapping[str, Piece | str]] = lambda arguments: {}
    example: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong. The docstring of `check` holds What, Why, a bad spec, a good spec and the source."""

    code: str
    name: str
    check: Callable[[Study], tuple[Diagnostic, ...] | list[Diagnostic]]
    tasks: tuple[str, ...] = ()  # empty: every task

    @property
    def doc(self) -> str:
        """What, Why, examples."""
        return self.check.__doc__ or ""


@dataclass(frozen=True, slots=True)
class Column:
    """A data column that a task reads: our word, whether it must be there, and what it holds.

    `fault(entry)` says what is wrong with the text of one entry; it is empty where nothing is. A column that belongs to
    one form of output names the key of `output` that calls for it (`form`): it is required where that key is given, and
    stands once for each name where the key holds several (`each`).

    The entries of a column with `file` name files beside the manifest, as masks are: they must be there, a row of the
    program holds their path from the root of the data, and a run knows their contents. With `blank` an entry may be
    empty.
    """

    name: str
    doc: str
    required: bool = True
    fault: Callable[[str], str] = lambda entry: ""
    form: str = ""
    each: bool = False
    file: bool = False
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A key of `data:` in a task, whose value is the path of a file (or of a folder, with `folder`) that lists images.

    Its piece is `read(path: Path) -> list[dict[str, str]]`, of the standard library and numpy alone, since a check runs
    it and the program contains it: a row an image, with "file" (a path from the folder of the file on, or from the
    folder itself) and the words that the task reads; what has several parts is JSON text. Each row has the same words,
    which `words` names. Raises ValueError that says where.
    """

    name: str
    piece: Piece
    doc: str
    words: tuple[str, ...] = ()
    folder: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the program's Config: `name: type = value  # reason`."""

    name: str
    value: bool | int | float | str | tuple[Any, ...] | None
    reason: str


@dataclass(frozen=True, slots=True)
class Program:
    """What a task puts into the emitted files.

    `homes` says which file (train, data, deploy, metrics) takes the pieces of which module; train may use all others,
    and none of them train. A name that a piece imports from a module called `slots` is a symbol: what `symbols` binds
    it to, a piece or a literal, stands in its place (`IDENTITY` leaves the call out). The core binds what the spec
    settles for every task: Config, one class and one `<network>_optimizer` for each network, `<network>_loss` where the
    spec has losses (`loss_of` and `network_optimizer` for the only one), the edits, the table, and BEST (what `watch`
    names, with its sign in the task's `metrics`).
    Three symbols are every task's own: `build(config, images, device) -> runtime.Work`, `export_model(work, images,
    options) -> bool` and `targets_of(rows) -> {name: array}`. `settings` are lines of Config beside the core's;
    `columns` are the words of the table that rows must hold beside `file` and `image`; `printed` are modules that the
    task prints for this spec: name -> (file, text).
    """

    symbols: Mapping[str, Piece | str]
    homes: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    printed: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """A word for `task:`.

    `output` models the spec's `output` (None where it has no meaning); `keys` adds top-level keys: name -> (annotation,
    default or ... for required); `lifts` names required keys that this task does not need; `networks` names the roles
    when a task has several networks (empty: one network called `network`); `columns` are the data columns that it
    reads, `sources` are places of data beside folders and manifest, `checks` are rules on both; `table` are its rows
    for Table 1 in words; `losses` are what words of losses mean in this task, where that is another piece; `program`
    says what is emitted; `contract` returns the task's part of contract.json; `answering` is an object as in
    specc.answering, which predicts and judges with the exported model (without it, a contract that names classes,
    labels or targets is answered as the core's tasks are); `metrics` names what `watch` may use beside val_loss, with 1
    where more is better and -1 where less is; `logits` names the networks whose loss works on logits, so that a final
    sigmoid or softmax is taken off for training (None: every network); `heeds` are the keys of `train` that its pieces
    heed beside those of the loop, out of STEP (mixup is one of `augment`); `code` is the id of a layer whose values the
    task wants beside the answer: a network that has it is printed with `encode` (image -> code), and with `decode`
    (code -> output) where nothing else goes on to the output (`specc.ir.Graph.code`); `any_size` says that images go in
    as they are and the exported model takes any size, so that no rule for other sizes is missed or proposed.
    """

    name: str
    doc: str
    program: Callable[[Study], Program]
    contract: Callable[[Study], Mapping[str, Any]]
    output: type[Arguments] | None = None
    keys: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    lifts: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()
    inputs: Callable[[Study], Mapping[str, Shape]] | None = None  # shapes of named inputs; `image` is known, or given
    columns: tuple[Column, ...] = ()
    rules: tuple[Rule, ...] = ()
    table: tuple[str, ...] = ()
    example: str = ""
    metrics: Mapping[str, int] = field(default_factory=dict)
    logits: tuple[str, ...] | None = None
    heeds: frozenset[str] = frozenset()
    losses: tuple[Loss, ...] = ()
    sources: tuple[Source, ...] = ()
    checks: tuple[DataRule, ...] = ()
    answering: Piece | None = None
    code: str = ""
    any_size: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A word of `predict --as` for models of any task that give the output `output` beside their answer, as a
    classifier may give its code. The piece is an object as `Task.answering` names it; its `predict` gets the word.
    """

    name: str
    output: str
    answering: Piece
    doc: str


@dataclass(frozen=True, slots=True)
class Example:
    """A whole spec as text, small enough to be trained in a moment; `data` is a function (folder: Path) -> None that
    writes the files which the spec names (None: the images that `specc.testing` brings).
    """

    spec: str
    data: Piece | None = None


@dataclass(frozen=True, slots=True)
class Plugin:
    """All that a distribution brings. `name` prefixes nothing by itself; clashes name both owners. `pages` say what
    codes mean that no rule owns, as those of refusals at prediction: code -> text.
    """

    name: str
    api: int = API
    layers: tuple[Layer, ...] = ()
    ops: tuple[Op, ...] = ()
    losses: tuple[Loss, ...] = ()
    optimizers: tuple[Optimizer, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    edits: tuple[Edit, ...] = ()
    augmentations: tuple[Augmentation, ...] = ()
    initializers: tuple[Initializer, ...] = ()
    explainers: tuple[Explainer, ...] = ()
    tasks: tuple[Task, ...] = ()
    rules: tuple[Rule, ...] = ()
    forms: tuple[Form, ...] = ()
    examples: tuple[Example, ...] = ()
    doc: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)
