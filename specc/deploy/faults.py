"""Faults of a model file or of an image that it is asked about. P80x are given by the readers."""

from __future__ import annotations

from specc.run.faults import fault

__all__ = ["DOCS", "Refusal", "fault"]

DOCS: dict[str, str] = {
    "P801": "The file is not a PNG, JPEG, TIFF or DICOM file (its bytes say so, whatever its name), or is not there.",
    "P802": "The image is damaged or cut short.",
    "P803": "The image is over a limit of size; such a file can bring a computer to its knees.",
    "P804": "The file has an accepted format in a form that is not accepted.",
    "P805": "The file holds several frames and none was chosen, or the chosen one is not there.",
    "P806": "The image holds values that are not finite.",
    "P807": "The header contradicts itself or the pixels.",
    "P808": "The DICOM file holds no image.",
    "P809": "The decoder that this compression needs is not installed.",
    "P820": "The image is in another format than the contract of the model names (seen in its bytes, not its name).",
    "P821": "The image stores another number of bits a sample, or another sign, than the model was trained on.",
    "P822": "The image has another number of samples a pixel (gray or colour) than the model takes.",
    "P823": "The DICOM modality is not one that the model was trained on.",
    "P824": "The photometric interpretation is not one that the model was trained on.",
    "P825": "The file holds several frames and the model's spec does not say which one to take.",
    "P826": "The image has another size and the model's spec has no resize rule.",
    "P840": "The model file is missing, or is not an ONNX file.",
    "P841": "The model file is larger than the limit.",
    "P842": "The model uses operators outside the standard ONNX operator set; such a file could run foreign code.",
    "P843": "The model keeps weights in other files; only files that hold everything are accepted.",
    "P844": "The ONNX file carries no contract (metadata `specc.contract`), so nobody knows what its numbers mean.",
    "P845": "The contract in the model file is damaged, of a newer version, or does not fit the model's outputs.",
    "P846": "onnxruntime could not start the model.",
    "P847": "A graphics card is there, but onnxruntime cannot use it; the answers are computed on the processor.",
    "P848": "The model belongs to a task whose outputs are not classes or values of an image, and which has no answers "
    "of its own kind; or the plugin of the task is not enabled here.",
    "P849": "The task of the model does not know the form of answers that `--as` asks for, or that the name of the "
    "table stands for.",
    "P850": "The runtime failed on this image.",
    "P851": "The model gave a number that is not finite for this image.",
    "P860": "The model itself abstains: the image is too unlike those that it was trained on.",
    "P861": "The model takes several files a case, each of them a channel, and other files or fewer are named.",
    "P862": "The files of a case differ in size, so that they do not lie on top of each other.",
    "P863": "The table of cases cannot be read, or lacks a column of files that the model takes.",
    "P864": "The files of a case name different patients.",
    "P870": "No image was given, or the folder holds none.",
    "P871": "The table of patients cannot be read, lacks the column, or does not name a file.",
    "P872": "The table or folder of labelled images cannot be read, is empty, or names a file outside its own folder.",
    "P873": "The table of labelled images has no column for the file, or for the truth; `--columns` names them.",
    "P874": "An entry of the truth is not a class of the model, not a number, or not 1, 0 or blank.",
    "P875": "The folders of labelled images are not called as the model's classes, or cannot hold what it answers.",
    "P876": "Images, or their patients, belong to the study that the model comes from. Figures on images that were "
    "trained on say nothing about others: they are refused.",
    "P877": "The column of subgroups is not in the table, or has too many different entries.",
    "P878": "The same image is there more than once (told, not refused).",
    "P879": "No image can be judged: each was refused by the model, or has no truth.",
}


class Refusal(Exception):
    """One image that gets no answer. `code` is a P8xx, `reason` says why in a line that holds no path."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason
