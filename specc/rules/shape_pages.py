"""Pages on shapes and joins (S3). Same form as a rule's."""

from __future__ import annotations

SHAPES: dict[str, str] = {
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

    Why: `add` needs equal channels, height and width; `concat` equal height and width; `multiply` equal shapes, or one
    number for each channel or each pixel; `unpool` the shape that its max-pool gave.

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

    Why: after `flatten` or `global_avgpool` there is no height and width to slide over. An `embedding` stands at a
    single class number, neither an image nor a longer vector.

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
    "S304": """What: `groups` does not divide the channels or the filters, or the square of `pixel_shuffle`'s factor the
    channels.

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
    "S306": """What: padding that is too large: more than half of a pool's window, more than an image has pixels to
    reflect, or more than a transposed convolution can lose.

    Why: some windows would lie wholly outside of the image, or nothing would be left.

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
    "S307": """What: `padding: same` with an even kernel (or size); in `upconv2d` only where `stride` is 1.

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
    "S313": """What: `select` names a channel that the image does not have.

    Why: channels are numbered from 0, so that the last one is one less than their number.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3}
            - select: {channels: [4, 5, 6]}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 3}
            - select: {channels: [4, 5, 0]}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: LeCun et al. 1998, Proc. IEEE 86:2278, Table I.
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
    "S310": """What: a normalisation with a single value to normalise.

    Why: `instancenorm` looks at one channel of one image at a time, `groupnorm` at one group of channels. Where the
    image has shrunk to one pixel, a value minus its own mean is always 0, and everything before it is lost.

    Bad:

        model:
          layers:
            - adaptive_avgpool: {size: 1}
            - instancenorm
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - instancenorm
            - adaptive_avgpool: {size: 1}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Ulyanov et al. 2016, arXiv:1607.08022, eq. 4.
    """,
    "S312": """What: `reshape` asks for another number of values than there are.

    Why: it only writes the same values in another form, in the order channels, height, width.

    Bad:

        model:
          layers:
            - maxpool: {size: 2}
            - reshape: {to: [4, 16, 16]}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - maxpool: {size: 2}
            - reshape: {to: [4, 8, 8]}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: the spec language, Layers.
    """,
    "S314": """What: `crop` asks for more than the image has, or begins so late that it ends outside.

    Why: nothing is there to be cut out. `pad` makes an image larger.

    Bad:

        model:
          layers:
            - crop: {to: [28, 28], at: [8, 0]}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - crop: {to: [28, 28], at: [4, 0]}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: the spec language, Layers.
    """,
    "S315": """What: `unpool` names a layer that is no max-pool.

    Why: it puts each value back to the pixel from which a max-pool took its maximum. Only a max-pool knows that pixel.

    Bad:

        model:
          layers:
            - avgpool: {size: 2, id: small}
            - unpool: {with: small}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - maxpool: {size: 2, id: small}
            - unpool: {with: small}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Badrinarayanan et al. 2017, arXiv:1511.00561, section 3.
    """,
    "S316": """What: initial values at a layer for which they do not exist, such as `bilinear` at a convolution.

    Why: bilinear weights make a transposed convolution enlarge each channel smoothly. Elsewhere they mean nothing.

    Bad:

        model:
          layers:
            - conv2d: {filters: 3, kernel: 4, init: bilinear}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - upconv2d: {filters: 3, kernel: 4, stride: 2, init: bilinear}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Long et al. 2015, arXiv:1411.4038, section 3.3.
    """,
}
