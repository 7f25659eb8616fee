"""Numbers that describe an image, learned without labels: autoencoders, and the codes of trained classifiers."""

from specc.plugin import Form, Piece, Plugin
from specc_features.examples import EXAMPLES
from specc_features.layers import LAYERS, OPS
from specc_features.pages import PAGES
from specc_features.task import TASK

PLUGIN = Plugin(
    "features",
    layers=LAYERS,
    ops=OPS,
    tasks=(TASK,),
    forms=(
        Form(
            "codes",
            "code",
            Piece("specc_features.answering", "ANSWERING"),
            "a table (.csv, .npz, .parquet) with what the layer `id: code` makes of each image",
        ),
    ),
    examples=EXAMPLES,
    doc=__doc__,
    pages=PAGES,
)
