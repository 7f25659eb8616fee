"""What the codes of this plugin mean that no rule owns."""

PAGES = {
    "P890": "The codes of the training images (`eval/codes.npz`) are not beside the model, or cannot be read. "
    "Neighbours and the figures of codes need them; they lie where the training has left the model.",
    "P891": "A parquet table needs the package pyarrow: `pip install 'specc-compiler[parquet]'`. "
    "npz and CSV need nothing.",
    "P892": "The file that `-o` names is of no kind that codes are written in: .csv, .npz or .parquet. Neighbours and "
    "reconstructions are written as .csv, or into a folder.",
    "P893": "The model gives codes alone, as an encoder does; reconstructions need the whole autoencoder.",
}
