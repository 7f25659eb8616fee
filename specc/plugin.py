"""The whole plugin interface: plain frozen records. A distribution names one `Plugin` in the group `specc.plugins`.

Built-in layers, losses, optimizers and tasks are records like any other; a plugin can do what they do and the core
holds no name of any of them. Records name the code that goes into a program as `Piece(module, function)`: the linker
reads its source without importing it, so that checking and compiling never load torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol

from specc.arguments import Activation as Activation
from specc.arguments import Arguments as Arguments
from specc.arguments import Call as Call
from specc.arguments import Count as Count
from specc.arguments import Init as Init
from specc.arguments import Kind as Kind
from specc.arguments import Pair as Pair
from specc.errors import Diagnostic, Path, Span
from specc.ir import Answers, Node
from specc.shapes import Reach, Shape, window_reach

if TYPE_CHECKING:
    from specc.data.look import DataRule
    from specc.study import Study

API = 1  # the version of this interface; a plugin states the one that it was made for


@dataclass(frozen=True, slots=True)
class Piece:
    """A top-level function or class of an importable module; what it refers to comes with it."""

    module: str
    name: str


STEP = frozenset({"schedule", "phases", "grad_clip", "accumulate", "ema", "precision", "mixup"})  # see Task.heeds
IDENTITY = "<identity>"  # as a symbol: the call is left out and its first argument stands for it


class Builder(Protocol):
    """What a layer's `lower` may do: add primitive operations to the network and look up named outputs."""

    def add(self, op: str, inputs: tuple[str, ...], **attrs: Any) -> str:
        """Append a primitive, infer its shape, return its name; a bad shape becomes a diagnostic at the layer."""

    def shape(self, value: str) -> Shape:
        """Shape of a value, without batch."""

    def resolve(self, name: str, path: Path) -> str:
        """The value that an id names; an unknown one becomes a diagnostic at `path`."""

    def node(self, value: str) -> Node | None:
        """The primitive that made a value; None for what comes into the network."""

    def aside(self, value: str, what: str) -> str:
        """Ask the primitive that made a value for its second result: its attribute `what` becomes a Python name for
        that result, which is returned. Asked again, the name is the same.
        """

    def activate(self, value: str, activation: Call | None) -> str:
        """Append an activation; None leaves the value as it is."""

    def fail(self, diagnostic: Diagnostic) -> NoReturn:
        """Report a fault of this layer and give up on the network."""

    def path(self, *keys: str | int) -> Path:
        """Path of this layer in the spec, or of one of its arguments."""

    def span(self, *keys: str | int) -> Span:
        """Where this layer stands in the text, or one of its arguments; its name where the argument is a default."""

    def origin(self, value: str) -> Span:
        """Where the layer that made a value stands in the text: what decides its channels, else its name."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A word for `layers:`. `lower(builder, arguments, value)` adds primitives and returns the new current value."""

    name: str
    arguments: type[Arguments]
    lower: Callable[[Builder, Any, str], str]
    doc: str
    example: str
    source: str = ""
    activation: bool = False  # may also stand as `activation:` of another layer
    internal: bool = False  # made by the expansion of blocks; no word of the language


@dataclass(frozen=True, slots=True)
class Op:
    """A primitive operation: everything downstream is keyed by its name.

    `infer(attrs, shapes) -> shape` raises ShapeFault; `parameters` and `multiply_adds` count per sample;
    `module(node, shapes)` is the constructor printed in `__init__` (None for a function); `call(node, arguments)` is
    the expression printed in `forward`, where `arguments` are Python names and `self.<node name>` is the module.
    `relevance` names the LRP rule that fits, or says why there is none.

    `reach(attrs, shapes, output shape)` says how many pixels an output pixel looks at and how far the next one is
    from it. `keeps` says which values wait in memory for the backward pass (`input`, `output`), `keeps_bytes` what
    waits beside them for each number of the output (indices, masks). `sign` stands in the circle of a join.

    `weights` is the torch class of its module where the spec's `init` and weight decay apply (`nn.Conv2d`: weight and
    bias); other learned numbers start as their module makes them. `decays` is False where a module without `weights`
    holds a matrix that weight decay must leave alone. `piece` is a class of the program that `module` makes use of;
    it is printed above the network. `aside(node)` is a Python name for a second result of the call, if it has one.
    """

    name: str
    infer: Callable[[Mapping[str, Any], tuple[Shape, ...]], Shape]
    call: Callable[[Node, tuple[str, ...]], str]
    doc: str
    relevance: str
    module: Callable[[Node, tuple[Shape, ...]], str] | None = None
    parameters: Callable[[Mapping[str, Any], tuple[Shape, ...]], int] = lambda attrs, shapes: 0
    multiply_adds: Callable[[Mapping[str, Any], tuple[Shape, ...]], int] = lambda attrs, shapes: 0
    stem: str = ""  # nodes without an id are called stem + number; empty: the op's own name
    monotone: bool = False  # element-wise and never decreasing, so that max-pooling may go first
    reach: Callable[[Mapping[str, Any], tuple[Shape, ...], Shape], Reach] = window_reach
    keeps: tuple[Literal["input", "output"], ...] = ("output",)
    keeps_bytes: int = 0
    sign: str = ""
    weights: str = ""
    decays: bool = True
    piece: Piece | None = None
    aside: Callable[[Node], str] = lambda node: ""


class ShapeFault(Exception):
    """An operation cannot take these shapes; `argument` names the layer's argument to point at."""

    def __init__(
        self, code: str, message: str, label: str = "", argument: str = "", helps: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.label, self.argument, self.helps = code, message, label, argument, helps


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
    """A word for `optimizer:`. `torch` is the class to print, `keywords(arguments)` its literal keyword arguments.

    `moments(arguments)` is how many numbers it keeps for each weight from one step to the next.
    """

    name: str
    torch: str
    arguments: type[Arguments]
    keywords: Callable[[Any], Mapping[str, Any]]
    doc: str
    source: str = ""
    moments: Callable[[Any], int] = lambda arguments: 2


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
    heed beside those of the loop, out of STEP (mixup is one of `augment`).
    """

    name: str
    doc: str
    program: Callable[[Study], Program]
    contract: Callable[[Study], Mapping[str, Any]]
    output: type[Arguments] | None = None
    keys: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    lifts: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()
    inputs: Callable[[Study], Mapping[str, Shape]] | None = None  # shapes of named inputs beside `image`
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


@dataclass(frozen=True, slots=True)
class Example:
    """A whole spec as text, small enough to be trained in a moment; `data` is a function (folder: Path) -> None that
    writes the files which the spec names (None: the images that `specc.testing` brings).
    """

    spec: str
    data: Piece | None = None


@dataclass(frozen=True, slots=True)
class Plugin:
    """All that a distribution brings. `name` prefixes nothing by itself; clashes name both owners."""

    name: str
    api: int = API
    layers: tuple[Layer, ...] = ()
    ops: tuple[Op, ...] = ()
    losses: tuple[Loss, ...] = ()
    optimizers: tuple[Optimizer, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    augmentations: tuple[Augmentation, ...] = ()
    initializers: tuple[Initializer, ...] = ()
    tasks: tuple[Task, ...] = ()
    rules: tuple[Rule, ...] = ()
    examples: tuple[Example, ...] = ()
    doc: str = ""
