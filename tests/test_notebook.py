"""specc in a notebook: a real kernel, the page of the docs cell by cell, and what results show of themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

import specc
from specc.api import notebook
from specc.api.training import Exported
from specc.demo.run import unpack
from specc.errors import Diagnostic, Note, SpeccError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "notebook.md"


def run(cells: list[str], folder: Path) -> list[list[Any]]:
    """The outputs of each cell, run by a kernel in a folder; an error is an output."""
    form: Any = nbformat.v4
    book = form.new_notebook(cells=[form.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return [cell["outputs"] for cell in book["cells"]]


def text_of(outputs: list[Any]) -> str:
    """Plain text: streams, results, tracebacks without colours."""
    found = ""
    for output in outputs:
        found += output.get("text", "") + output.get("data", {}).get("text/plain", "")
        found += "\n".join(output.get("traceback", ()))
    return re.sub(r"\x1b\[[0-9;]*m", "", found)


def html_of(outputs: list[Any]) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in outputs)


@pytest.mark.parametrize("colours", [True, False])
def test_errors_are_diagnostics_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colours: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False) if colours else monkeypatch.setenv("NO_COLOR", "1")
    spec = unpack(tmp_path / "demo")
    spec.write_text(spec.read_text().replace("classes: [T1, T2]", "clases: [T1, T2]"))
    checked, trained, gone = run(
        ["import specc\nspecc.check('lenet.yaml')", "specc.train('lenet.yaml')", "specc.predict('gone.onnx', 'a.png')"],
        spec.parent,
    )
    assert "clases" in html_of(checked) and "classes" in html_of(checked) and "<img" not in html_of(checked)
    assert trained[-1]["output_type"] == "error" and trained[-1]["ename"] == "SpeccError"
    told = text_of(trained)
    assert told.startswith("error[S") and "lenet.yaml:" in told and "clases" in told and "= more: specc explain" in told
    assert "Traceback" not in told and "training.py" not in told
    assert ("\x1b[" in "".join(trained[-1]["traceback"])) == colours
    assert text_of(gone).startswith("error[P840]")


@pytest.mark.slow
def test_the_page_of_the_docs(tmp_path: Path) -> None:
    spec = unpack(tmp_path / "demo")
    blocks = re.findall(r"^```python( raises \w+)?\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 9
    results = run([code.replace("epochs=20", "epochs=3") for _, code in blocks], spec.parent)
    for (raises, code), outputs in zip(blocks, results, strict=True):
        told = text_of(outputs)
        failed = any(output["output_type"] == "error" for output in outputs)
        assert failed == bool(raises), f"{code}\n{told}"
        if raises:
            assert told.startswith(f"error[{raises.split()[1]}]") and "Traceback" not in told
    _, shown, compiled, trained, auc, evaluated, _, predicted, exported = results
    assert "<svg" in html_of(shown) and "<details>" in html_of(compiled)
    assert "epoch 3/3" in text_of(trained) and "best epoch" in text_of(trained)
    assert html_of(trained).count("<img") >= 4 and "<progress" not in html_of(trained)
    assert re.match(r"AUC 0\.\d{3}, 95 % interval", text_of(auc))
    assert "by split" in html_of(evaluated) and html_of(evaluated).count("<img") >= 4
    assert "Answer(" in text_of(predicted) and "parity" in html_of(exported)


# ---------------------------------------------------------------------- without a kernel


def test_a_script_is_no_notebook() -> None:
    assert not notebook.running()


def test_results_show_themselves(tmp_path: Path) -> None:
    spec = unpack(tmp_path / "demo")
    assert "no errors" in specc.check(spec, data=False)._repr_html_()
    files = specc.compile(spec)
    assert files == dict(files) and "<summary>train.py (" in files._repr_html_()
    assert "class Network" in files._repr_html_() and any("train.py" in line for line in files.lines())
    assert "model.onnx" in Exported(run="r", model="r/model.onnx", parity="3 images", edited=[])._repr_html_()


def test_text_is_text_and_pictures_are_inside(tmp_path: Path) -> None:
    assert "&lt;script&gt;" in notebook.pre(["<script>"]) and "<script>" not in notebook.folded("<script>", "<script>")
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    assert 'src="data:image/png;base64,iVBORw=="' in notebook.picture(tmp_path / "a.png")

    class Result(notebook.Shown):
        def lines(self) -> list[str]:
            return ["one", "two"]

        def shown(self) -> list[Path]:
            return [tmp_path / "a.png", tmp_path / "gone.png"]

    class Printer:
        said = ""

        def text(self, text: str) -> None:
            self.said += text

    printer = Printer()
    Result()._repr_pretty_(printer, False)
    assert printer.said == "one\ntwo" and Result()._repr_html_().count("<img") == 1


def test_the_line_that_moves() -> None:
    assert "30/60" in str(notebook.moving({"event": "data", "done": 30, "total": 60}, 0))
    assert "epoch 2/5, step 7" in str(notebook.moving({"event": "step", "epoch": 2, "step": 7}, 5))
    assert notebook.moving({"event": "trained"}, 5) == ""
    assert notebook.moving({"event": "epoch"}, 5) is None


def test_an_error_draws_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    error = SpeccError((Diagnostic("T658", "nothing there", notes=(Note("help", "train it"),)),))
    monkeypatch.setenv("NO_COLOR", "1")
    assert error._render_traceback_() == ["error[T658]: nothing there", "   = help: train it"]
