"""Pages on the codes that no single rule owns: names and values (S1), shapes and joins (S3). Same form as a rule's."""

from __future__ import annotations

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
    "S111": """What: specc.toml cannot be read, or enables a plugin that is not installed.

    Why: a study that needs a plugin must not run without it. The file says: [plugins] enabled = ["name"].

    Source: the plugin interface.
    """,
    "S112": """What: an enabled plugin cannot be loaded, or its entry point is not a Plugin record.

    Why: its distribution is broken, or one of its own requirements is missing.

    Source: the plugin interface.
    """,
    "S301": """What: the image is smaller than the window that a convolution or pool needs.

    Why: each convolution without padding takes kernel - 1 pixels off, each pool halves what is left. The trace shows
    the sizes from the input on.

    Bad:

        model:
          layers:
            - maxpool: {size: 16}
            - conv2d: {filters: 8, kernel: 3}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - maxpool: {size: 8}
            - conv2d: {filters: 8, kernel: 3}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, relationship 6.
    """,
    "S302": """What: two values are joined, and their shapes do not fit.

    Why: `add` needs equal channels, height and width; `concat` equal height and width.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3, padding: same, id: a}
            - conv2d: {filters: 8, kernel: 3, padding: same}
            - add: {with: a}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3, padding: same, id: a}
            - conv2d: {filters: 8, kernel: 3, padding: same}
            - add: {with: a, project: auto}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: He et al. 2016, arXiv:1512.03385, section 3.3.
    """,
    "S303": """What: a layer for images stands where the image has become a vector.

    Why: after `flatten` or `global_avgpool` there is no height and width to slide over.

    Bad:

        model:
          layers:
            - flatten
            - conv2d: {filters: 8, kernel: 3}
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 8, kernel: 3}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: the spec language, Layers.
    """,
    "S304": """What: `groups` does not divide the channels or the filters.

    Why: every group takes an equal part of the channels and makes an equal part of the filters.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3}
            - conv2d: {filters: 8, kernel: 3, groups: 4}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3}
            - conv2d: {filters: 8, kernel: 3, groups: 2}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Krizhevsky et al. 2012, NeurIPS 25, section 3.2.
    """,
    "S305": """What: a dense layer gets an image instead of a vector.

    Why: libraries that flatten by themselves disagree about the order, and weights cannot be carried over. `flatten`
    says it: channels, height, width.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3}
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: the spec language, Layers (`dense` on a map).
    """,
    "S306": """What: a pool's padding is more than half of its window.

    Why: some windows would lie wholly outside of the image.

    Bad:

        model:
          layers:
            - maxpool: {size: 2, padding: 2}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - maxpool: {size: 2, padding: 1}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: torch.nn.MaxPool2d (padding is at most half of the kernel).
    """,
    "S307": """What: `padding: same` with an even kernel (or size).

    Why: dilation * (kernel - 1) zeros must be shared by two sides, and an odd number cannot be shared equally.
    Libraries put the odd one on different sides, which shifts the image by half a pixel.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 4, padding: same}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 5, padding: same}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: the spec language, Layers (`padding: same`).
    """,
    "S308": """What: an open end: a layer whose output nothing uses, or an input that nothing reads.

    Why: it costs time, changes nothing, and is nearly always a slip: a forgotten `add` or `concat`.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3, id: a}
            - conv2d: {filters: 6, kernel: 3}
            - from: a
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3, padding: same, id: a}
            - conv2d: {filters: 6, kernel: 3, padding: same}
            - add: {with: a}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: the spec language, Layers (open ends).
    """,
    "S309": """What: a reference to something that has no such name before it.

    Why: data flow downwards. `with`, `from`, `input` and `outputs` take the `id` of a layer above, `input`, or what
    the task gives.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3, padding: same}
            - add: {with: a}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3, padding: same, id: a}
            - conv2d: {filters: 6, kernel: 3, padding: same}
            - add: {with: a}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: the spec language, Layers (`id`).
    """,
    "S311": """What: an id that is taken in this network, such as the name of what goes in.

    Why: a reference must mean one value.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3, id: image}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3, id: first}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: the spec language, Rules of the text (names).
    """,
}
