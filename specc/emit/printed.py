"""What is printed for a spec: settings, optimizers, the table of files. The rest is linked from pieces.

Each function gives the text of a module that exists only here; the linker takes its definitions like those of pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from specc.emit.literal import literal
from specc.emit.training import counts_over_step
from specc.ir import Answers
from specc.lower import image_shape
from specc.plugin import Call, Loss, Piece, Program, Setting, Source

if TYPE_CHECKING:
    from specc.study import Study

TRAIN, DATA, EDITS, AUGMENT, MODEL = "<train>", "<data>", "<edits>", "<augment>", "<model>"


def config(study: Study, program: Program) -> str:
    """The frozen Config: a value and a reason a line."""
    train, stop = study.spec.train, study.spec.train.early_stop
    reason = "epochs without improvement before training stops" if stop else "early stop is off"
    step = "images in a step, over all ranks"
    parts = [Setting("accumulate", train.accumulate, "batches in a step: one update of the weights")]
    settings = [
        Setting("seed", train.seed, "every random number of the run follows from it"),
        Setting("epochs", train.length, "passes over the training images, at most"),
        Setting("batch_size", train.batch_size, step if train.accumulate == 1 else "images in a batch, over all ranks"),
        *(parts if train.accumulate > 1 else []),
        Setting("patience", stop.patience if stop else train.length, reason),
        Setting("min_delta", stop.min_delta if stop else 0.0, "a smaller improvement does not count"),
        *learning_rates(study),
        *program.settings,
    ]
    lines = ["from dataclasses import dataclass", "", "", "@dataclass(frozen=True)", "class Config:"]
    lines += ['    """What the spec settles."""', ""]
    for setting in settings:
        kind = "object" if setting.value is None else type(setting.value).__name__
        lines.append(f"    {setting.name}: {kind} = {literal(setting.value)}  # {' '.join(setting.reason.split())}")
    return "\n".join(lines) + "\n"


def learning_rates(study: Study) -> list[Setting]:
    """One line an optimizer."""
    rates = []
    for network, call in study.spec.optimizer.items():
        name = "learning_rate" if len(study.spec.optimizer) == 1 else f"{network}_learning_rate"
        rates.append(Setting(name, float(keywords(study, call)["lr"]), f"of {call.name}"))
    return rates


def keywords(study: Study, call: Call) -> dict[str, Any]:
    """What torch's optimizer is called with."""
    return dict(study.registry.optimizers[call.name].keywords(call.args))


def optimizers(study: Study) -> str:
    """A function `<network>_optimizer` for each network."""
    text = "import torch\nfrom torch import nn\n\n"
    pieces = {study.registry.optimizers[call.name].piece for call in study.spec.optimizer.values()} - {None}
    text += "".join(sorted(f"from {piece.module} import {piece.name}\n" for piece in pieces if piece is not None))
    for setting, (network, call) in zip(learning_rates(study), study.spec.optimizer.items(), strict=True):
        given = keywords(study, call)
        decay, everywhere = given.pop("weight_decay", 0.0), getattr(call.args, "decay", "weights") == "all"
        given.pop("lr")
        rest = "".join(
            f", {name}={literal(value)}"
            for name, value in given.items()
            if value is not False and (name, value) != ("momentum", 0.0)
        )
        record = study.registry.optimizers[call.name]
        usual = record.arguments.model_fields.get("weight_decay")
        if decay and everywhere:
            rest, decay = f", weight_decay={literal(decay)}{rest}", 0.0
        elif usual is not None and usual.default:  # torch has the same default, and for every parameter
            rest = f", weight_decay=0.0{rest}"
        lines, groups = _groups(study, network, decay, f"Config.{setting.name}")
        text += f"\n\ndef {network}_optimizer(net: nn.Module) -> torch.optim.Optimizer:\n"
        text += "".join(f"    {line}\n" for line in lines)
        text += f"    return {record.torch}({groups}, lr=Config.{setting.name}{rest})\n"
    return text


def _groups(study: Study, network: str, decay: float, rate: str) -> tuple[list[str], str]:
    """Statements and the expression of what an optimizer gets: all parameters, or groups of them.

    Weight decay is for kernels and matrices, except those of operations that do without; a layer with an `lr_scale`
    has its own learning rate.
    """
    graph = study.passed.get(network)
    scales = graph.lr_scale if graph else {}
    spared = [node.name for node in graph.nodes if not study.registry.ops[node.op].decays] if graph else []
    if scales:
        matrix = f"p.ndim > 1 and layer not in {literal(tuple(spared))}" if spared else "p.ndim > 1"
        key, loop, own = "scales.get(layer, 1.0)", "scale, group", ""
        if decay:
            key, loop = f"({key}, {matrix})", "(scale, decays), group"
            own = f', "weight_decay": {literal(decay)} if decays else 0.0'
        return [
            f"scales = {literal(dict(scales))}  # of the learning rate, by layer",
            f"groups: dict[{'tuple[float, bool]' if decay else 'float'}, list[nn.Parameter]] = {{}}",
            "for name, p in net.named_parameters():",
            '    layer = name.partition(".")[0]',
            f"    groups.setdefault({key}, []).append(p){'  # no decay: biases, batchnorm' if decay else ''}",
            f'parts = [{{"params": group, "lr": scale * {rate}{own}}} for {loop} in groups.items()]',
        ], "parts"
    if not decay:
        return [], "net.parameters()"
    weights, others = (f"[p for p in net.parameters() if p.ndim {sign} 1]" for sign in (">", "<="))
    lines = [f"weights, others = {weights}, {others}"]
    if spared:
        names = literal(tuple(f"{name}." for name in spared))
        lines = [
            f"weights = [p for name, p in net.named_parameters() if p.ndim > 1 and not name.startswith({names})]",
            "others = [p for p in net.parameters() if all(p is not weight for weight in weights)]",
        ]
    groups = f'[{{"params": weights, "weight_decay": {literal(decay)}}}, {{"params": others}}]'
    return [*lines, f"groups = {groups}  # others: biases, batchnorm"], "groups"


def losses(study: Study) -> tuple[dict[str, Piece], str]:
    """`loss_of`, or `<network>_loss` for each of several networks: what they are bound to, and what must be printed."""
    text = "from torch import Tensor\n"
    bound: dict[str, Piece] = {}
    for network, calls in (study.spec.loss or {}).items():
        slot = "loss_of" if network == "network" else f"{network}_loss"
        terms, used = [], []
        for call in calls:
            record = study.loss(call.name)
            term, names = _term(record, call, answers(study, network))
            weight = getattr(call.args, "weight", None)
            factor = f"{literal(float(weight))} * " if weight not in (None, 1) else ""
            terms.append(f"{factor}{term}")
            used += [Piece(record.piece.module, name) for name in names]
        if terms in ([f"{used[0].name}(outputs, targets{more})"] for more in ("", ", among=among")):
            bound[slot] = used[0]
        else:
            text += "".join(f"from {piece.module} import {piece.name}\n" for piece in used)
            third = ", class_weights: Tensor" if any("class_weights" in term for term in terms) else ""
            third += ", among: Tensor" if counts_over_step(study) else ""
            text += f"\n\ndef {slot}(outputs: Tensor, targets: Tensor{third}) -> Tensor:\n"
            text += f'    """Loss of each sample: (B, ...), (B, ...) -> (B,)."""\n    return {" + ".join(terms)}\n'
    return bound, text


def _term(record: Loss, call: Call, answers: Answers) -> tuple[str, tuple[str, ...]]:
    """The expression of a loss, and the names in its module that it uses."""
    if record.compose is not None:
        return record.compose(call.args, answers)
    given = "".join(f", {name}={literal(value)}" for name, value in record.bind(call.args).items())
    return f"{record.piece.name}(outputs, targets{given})", (record.piece.name,)


def answers(study: Study, network: str) -> Answers:
    """What the loss of a network gets, told by what it ends in."""
    output: Any = getattr(study.spec, "output", None)
    graph = study.passed.get(network)
    if study.findings:
        return Answers("findings")
    kind = {"sigmoid": "one", "softmax": "classes"}.get(graph.activation if graph else "", "values")
    positive = getattr(output, "positive", None)
    return Answers(kind, kind == "one" and positive is not None and positive == output.classes[0])


def file_keys(study: Study) -> tuple[str, ...]:
    """The keys of a row that name its files: one, or one for each channel of a stack."""
    channels = study.spec.input.channels
    return ("image",) if isinstance(channels, str) else ("image", *(f"image.{name}" for name in channels[1:]))


def image_columns(study: Study) -> tuple[str, ...]:
    """The columns of the manifest that name the files of a case, in the order of channels."""
    named = (study.spec.data.columns or {}).get("image", "image")
    return (named,) if isinstance(named, str) else tuple(named)


def table(study: Study, columns: Mapping[str, str]) -> str:
    """`rows`: files and the words that the task and the split need. `columns` maps words to columns of a manifest."""
    data = study.spec.data
    text = "from pathlib import Path\n\nfrom specc.pieces import tables\n"
    if source := next((source for source in study.task.sources if getattr(data, source.name)), None):
        return text + _listed(source, getattr(data, source.name))
    text += "\n\ndef rows(root: Path) -> list[dict[str, str]]:\n"
    if data.manifest:
        folder = PurePosixPath(data.manifest).parent.as_posix()
        named = image_columns(study)
        file = f"row[{literal(named[0])}]"
        files = {column.name for column in study.task.columns if column.file}
        words = "".join(
            f', {literal(word)}: row[{literal(column)}] and folder + "/" + row[{literal(column)}]'
            if word.partition(".")[0] in files
            else f", {literal(word)}: row[{literal(column)}]"
            for word, column in columns.items()
        )
        keys = zip(file_keys(study)[1:], named[1:], strict=True)
        words = "".join(f', {literal(key)}: folder + "/" + row[{literal(column)}]' for key, column in keys) + words
        inside = f"        tables.inside(root / folder, {file}, folders)\n"
        if len(named) > 1:
            inside = f"        for column in {literal(named)}:\n"
            inside += "            tables.inside(root / folder, row[column], folders)\n"
        for column in (column for word, column in columns.items() if word.partition(".")[0] in files):
            inside += f"        if row[{literal(column)}]:\n"
            inside += f"            tables.inside(root / folder, row[{literal(column)}], folders)\n"
        return text + (
            '    """The lines of the manifest by our words; its files lie beside it or below."""\n'
            f"    table, folder = tables.read_manifest(root / {literal(data.manifest)}), {literal(folder)}\n"
            "    folders: dict[str, Path] = {}\n"
            "    for row in table:\n"
            f"{inside}"
            f'    return [{{"file": {file}, "image": folder + "/" + {file}{words}}} for row in table]\n'
        )
    classes = study.classes
    place = data.folders or data.images
    read = f"tables.read_images(root / {literal(place)})"
    if data.folders and classes:
        read = f"tables.read_folders(root / {literal(place)}, {literal(list(classes))})"
    prefix = PurePosixPath(place).as_posix() + "/"
    return text + (
        '    """One line a file."""\n'
        f'    return [{{**row, "image": {literal(prefix)} + row["file"]}} for row in {read}]\n'
    )


def _listed(source: Source, value: str) -> str:
    """`rows` of a source that a task brings."""
    place = PurePosixPath(value)
    folder = (place if source.folder else place.parent).as_posix()
    return (
        f"from {source.piece.module} import {source.piece.name}\n\n\n"
        "def rows(root: Path) -> list[dict[str, str]]:\n"
        '    """One line an image; its file lies in the folder or below."""\n'
        f"    table, folder = {source.piece.name}(root / {literal(value)}), {literal(folder)}\n"
        "    folders: dict[str, Path] = {}\n"
        "    for row in table:\n"
        '        tables.inside(root / folder, row["file"], folders)\n'
        '    return [{**row, "image": folder + "/" + row["file"]} for row in table]\n'
    )


def shape(study: Study) -> tuple[int, int, int]:
    """Channels, height and width of an edited image."""
    channels, height, width = image_shape(study.spec)
    return channels, height, width
