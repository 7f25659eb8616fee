"""Pages of `specc explain` for the words of the language that belong to no group of arguments."""

from __future__ import annotations

DOCS = {
    "model": """
The network: `model: {layers: [...]}`, each layer an item of the list, from the image (first) to the answer (last).

    model:
      layers:
        - conv2d: {filters: 6, kernel: 5, activation: relu}
        - maxpool: {size: 2}
        - flatten
        - dense: {units: 1, activation: sigmoid}
""",
    "networks": """
Several networks instead of `model`, where the task has several: each with its own layers and what goes into it.

    networks:
      generator: {input: latent, layers: [...]}
      discriminator: {input: image, layers: [...]}

`{use: generator}` in the place of layers is one more instance of that network, with weights of its own.
""",
    "outputs": """
Names for several outputs of a network, each the id of a layer: `outputs: {boxes: b, scores: s}`.
""",
    "loss": """
How wrong an answer is, in one number that training makes small. By the rules of Table 1: `binary_cross_entropy`
for two classes, `categorical_cross_entropy` for more, `mean_squared_error` for a number.

    loss: binary_cross_entropy
""",
    "optimizer": """
How the weights follow the loss: a name with its arguments.

    optimizer: {adam: {learning_rate: 0.001}}
""",
    "vars": """
Numbers with a name, used as `$name`, or in arithmetic as `$(name * 2)` with + - * // % and parentheses.

    vars: {w: 16}
    model:
      layers:
        - conv2d: {filters: $w, kernel: 3}
        - conv2d: {filters: $(w * 2), kernel: 3}
""",
    "blocks": """
Layers that come again and again, written once. A parameter has a default, or is `required`. Inside, `input` is what
came into the block; an id inside is reached from outside as `blockid.inner`.

    blocks:
      conv_bn:
        params: {filters: required, kernel: 3}
        layers:
          - conv2d: {filters: $filters, kernel: $kernel, padding: same, bias: false}
          - batchnorm
    model:
      layers:
        - conv_bn: {filters: 16}
""",
    "repeat": """
The same layer or block several times with the same arguments, each time with weights of its own; its `id` is the last
one's. `- conv_bn: {filters: 16, repeat: 3}`
""",
    "id": """
A name for what a layer gives, so that a later `add`, `concat`, `from` or `outputs` can take it up.

    - conv2d: {filters: 16, kernel: 3, padding: same, id: skip}
    - relu
    - conv2d: {filters: 16, kernel: 3, padding: same}
    - add: {with: skip}
""",
}
