"""Faults of runs, and the one way in which the host side makes an error of a code, a message and cures."""

from __future__ import annotations

from specc.errors import Diagnostic, Note, SpeccError

DOCS: dict[str, str] = {
    "T601": "A loss, gradient or weight is no longer a finite number; the last good checkpoint is kept.",
    "T602": "The run folder already holds a training of this program; `--resume` goes on with it.",
    "T603": "The run has lost its checkpoints, its best epoch or lines of its log, so that it cannot go on.",
    "T604": "One batch could not be learned by heart, or the first loss is not that of a network that knows nothing.",
    "T605": "Gradients overflow in float16 whatever the loss is scaled by; the last good checkpoint is kept.",
    "T650": "The training program ended without saying why; the last lines that it wrote are shown.",
    "T651": "There is no such run, or it holds no valid checkpoint, so there is nothing to resume.",
    "T652": "The spec is not the one that this run was started with; a resume would mix two studies.",
    "T653": "The images are not those that this run was started with; a resume would mix two data sets.",
    "T654": "Another process is working in this run's folder.",
    "T655": "The code of this run was edited by hand since it was emitted (told, not refused).",
    "T656": "The program was stopped by the system, mostly because memory ran out.",
    "T657": "`-S path=value` names a place that the spec cannot have.",
    "T658": "The run has no results to evaluate: it was stopped before its model was exported.",
    "T659": "A folder or file of the run cannot be written.",
    "T660": "The emitted program's folder already holds other files; nothing is overwritten without `--force`.",
    "T661": "There is no reference page of that name.",
    "T663": "There is no plugin of that name here.",
    "T664": "A name that no plugin of one's own can have: it is taken, or is no name.",
    "T665": "The plugin that judges is another one than when the run was trained (told, not refused).",
    "T671": "What is set as the limit of the cache (SPECC_CACHE_LIMIT, or `specc cache --limit`) is no size.",
    "T672": "There is no folder of that name to look for a cache in.",
    "T674": "The evaluation of an exported model needs labelled images, and some options are only for those.",
    "T675": "`--columns` names the columns of a table as WORD=COLUMN, with the words that the model's task has.",
    "T676": "The model cannot be explained: its answers are no classes, findings or values, or its network cannot be "
    "asked apart from the edits before it.",
    "T680": "Runs of a series failed; the others are kept and summed up.",
    "T681": "The plan of a series of runs (series.json) is not there, or is damaged.",
    "T682": "`--fractions` does not name percentages of the training patients, or there is nothing to take them of.",
    "T683": "No run of the series is finished, so there is nothing to sum up.",
    "X701": "torch and onnxruntime give different answers for the exported network; the model is not fit for use.",
    "E501": "A package that this command needs is not installed.",
}
STATUS = {"D": 2, "E": 4, "X": 5, "P": 2, "T": 3}  # exit code by family of a code that a program reports


def diagnostic(code: str, message: str, *helps: str, why: str = "", where: tuple[str, ...] = ()) -> Diagnostic:
    """An error without a place in a text; every one has a cure and says where to read more."""
    notes = [Note("where", text) for text in where]
    notes += [Note("why", why)] if why else []
    notes += [Note("help", text) for text in helps]
    return Diagnostic(code, message, notes=(*notes, Note("more", f"specc explain {code}")))


def fault(
    code: str, message: str, *helps: str, why: str = "", where: tuple[str, ...] = (), exit_code: int = 2
) -> SpeccError:
    """The same as an exception. `exit_code`: 2 files, 3 training failed, 4 unfit computer, 5 a gate failed."""
    return SpeccError((diagnostic(code, message, *helps, why=why, where=where),), exit_code)
