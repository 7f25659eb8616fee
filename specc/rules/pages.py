"""Pages on the codes that no single rule owns: names and values (S1), shapes and joins (S3). Same form as a rule's."""

from __future__ import annotations

from specc.rules.shape_pages import SHAPES

DOCS: dict[str, str] = {
    "S101": """What: a name that neither specc nor an enabled plugin brings: a layer, activation, loss, optimizer,
    edit or task.

    Why: a spec names things from a closed list and can never name code, so an unknown name cannot be looked up
    anywhere else.

    Bad:

        optimizer: adma

    Good:

        optimizer: adam

    Source: the spec language, Rules of the text.
    """,
    "S102": """What: a key that does not exist at this place.

    Why: a misspelt key that is passed over in silence would leave its default in force: `weigth_decay: 0.1` would
    change nothing, and nobody would notice.

    Bad:

        optimizer: {adam: {lr: 0.001}}

    Good:

        optimizer: {adam: {learning_rate: 0.001}}

    Source: the spec language, Rules of the text (unknown keys are errors).
    """,
    "S103": """What: a required key is missing.

    Why: everything that a paper's methods section must state stands in the spec; what decides a result has no
    default.

    Bad:

        train: {epochs: 20}

    Good:

        train: {epochs: 20, batch_size: 32}

    Source: the spec language, A whole spec (required keys).
    """,
    "S104": """What: a value of the wrong kind or out of range.

    Why: booleans are not numbers, text is not a number, and nothing is guessed.

    Bad:

        train: {epochs: many, batch_size: 32}

    Good:

        train: {epochs: 20, batch_size: 32}

    Source: the spec language, Rules of the text.
    """,
    "S105": """What: a layer, loss, optimizer or edit that is neither a bare name nor one name with arguments.

    Why: one item is one thing. Two names in one pair of braces have no order.

    Bad:

        optimizer: {adam: {learning_rate: 0.001}, sgd: {learning_rate: 0.1}}

    Good:

        optimizer: {adam: {learning_rate: 0.001}}

    Source: the spec language, Layers.
    """,
    "S106": """What: another library's name for a loss.

    Why: one loss has one name here, so that two papers can be compared. The other names are known, and `check --fix`
    replaces them.

    Bad:

        loss: bce

    Good:

        loss: binary_cross_entropy

    Source: the spec language, Task rules.
    """,
    "S107": """What: a spec needs a plugin that the project does not enable.

    Why: a plugin is code. Only the project's own specc.toml enables it: [plugins] enabled = ["name"], in the folder of
    the spec or one above it.

    Bad:

        plugins: [a_plugin_that_is_not_there]

    Good:

        card: no plugin is needed

    Source: the spec language, Rules of the text (`plugins` enables nothing).
    """,
    "S108": """What: a block has the name of a layer.

    Why: `dense` would mean one thing in one spec and another in the next.

    Bad:

        blocks:
          relu:
            layers: [flatten]

    Good:

        blocks:
          ending:
            layers: [flatten]

    Source: the spec language, Layers.
    """,
    "S109": """What: two plugins bring the same name.

    Why: a word must mean one thing, whatever the order in which plugins are found. Enable only one of them.

    Source: the plugin interface.
    """,
    "S110": """What: a plugin is made for another version of the plugin interface.

    Why: its records may lack what this specc reads. Install a matching version of the plugin, or of specc.

    Source: the plugin interface.
    """,
    "S111": """What: specc.toml cannot be read, enables a plugin that is not installed, or disables one that is none of
    specc's own.

    Why: a study that needs a plugin must not run without it. The file says: [plugins] enabled = ["name"].

    Source: the plugin interface.
    """,
    "S112": """What: an enabled plugin cannot be loaded, or its entry point is not a Plugin record of that name.

    Why: its distribution is broken, or one of its own requirements is missing.

    Source: the plugin interface.
    """,
    "S113": """What: `specc` names no version of the language, or one that this specc does not read.

    Why: the same words may mean something else in another version, so nothing of such a spec is guessed. A version
    later than 1 is read by a newer specc; `specc check --fix` of a newer specc rewrites a spec of version 1.

    Bad:

        specc: 2

    Good:

        specc: 1

    Source: the spec language, Versions.
    """,
    "S114": """What: the file of a local plugin is not the one that specc.toml enables: it has other bytes, is not
    there, cannot be read, or lies outside of the project's folder.

    Why: a file is run only as it was when it was enabled, and no spec can name one.
    `specc plugins enable FILE.py` shows what it brings and writes its SHA-256 into specc.toml.

    Source: the plugin interface.
    """,
    "S115": """What: the file of a local plugin cannot be used: it is not Python in UTF-8, has no
    `PLUGIN = Plugin(...)`, its record has another name than specc.toml says, or cannot be made without an
    error or without torch.

    Why: a check reads the record and never loads torch. Functions for the program are named, as in
    `Piece(__name__, "my_loss")`; only the statements that PLUGIN needs are run.

    Source: the plugin interface.
    """,
    "S116": """What: two plugins have the same name, and specc.toml enables it.

    Why: which of them is used must not depend on the order in which they are found. None of them is imported.

    Source: the plugin interface.
    """,
    "S117": """What: the function or class of a plugin, or what it refers to, cannot be put into the program: it is not
    there, takes other arguments, or needs what a program does not have.

    Why: its source is copied there together with all that it uses: other pieces of its plugin, modules of specc.pieces,
    the standard library, torch and numpy, imported at the top of its module. A program holds ASCII text, stands alone
    and imports neither specc nor a plugin. `specc.testing.check_plugin` finds it.

    Source: the plugin interface.
    """,
    "S118": """What: a file of names that is not there, cannot be read, or holds no name.

    Why: the names of the classes and their order decide what each number of the model means. They are read before
    anything else and go into the run and the exported model, so that these need the file no more.

    Bad:

        output: {classes: {file: no_such_names.txt}}

    Good:

        output: {classes: [normal, pneumonia]}

    Source: the spec language, Data (`classes: {file: names.txt}` for long lists).
    """,
    "S119": """What: the code of a plugin fails where specc asks it: it raises an exception, or answers with something
    else than the interface asks for.

    Why: the spec is not at fault, and nothing in it would help. `where` says which line of the plugin it was.

    Source: the plugin interface.
    """,
    "S120": """What: a plugin has a record of another form than the interface asks for: a name that is no word, a text
    where a Piece belongs, one record where a tuple of records belongs.

    Why: it is said before any of them is used, because later it would look like a fault of the spec or of specc.
    Names are words of small letters, digits and `_`; `(Loss(...),)` with its comma is a tuple of one.

    Source: the plugin interface.
    """,
    "S254": """What: a key of `train`, or an augmentation, that the training step of the task does not heed.

    Why: a task with a step of its own, such as one in which two networks work against each other, has no place for
    every setting. One that is passed over in silence would stand in the methods section and not in the program.
    `specc explain TASK` says what the task does instead.

    Source: the spec language, Training keys and defaults.
    """,
    **SHAPES,
}
