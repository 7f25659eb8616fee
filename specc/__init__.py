"""A compiler for deep-learning research on images: one YAML file in, a PyTorch program and an ONNX file out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specc.api.cache import cache as cache
    from specc.api.enabling import enable_plugin as enable_plugin
    from specc.api.evaluation import evaluate as evaluate
    from specc.api.new_plugin import new_plugin as new_plugin
    from specc.api.plugins import plugin_info as plugin_info
    from specc.api.plugins import plugins as plugins
    from specc.api.prediction import predict as predict
    from specc.api.program import check as check
    from specc.api.program import compile as compile  # noqa: A004  (the command's own name)
    from specc.api.series import train as train
    from specc.api.summary import show as show
    from specc.api.summing import summarize as summarize
    from specc.api.training import export as export

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "cache",
    "check",
    "compile",
    "enable_plugin",
    "evaluate",
    "export",
    "new_plugin",
    "plugin_info",
    "plugins",
    "predict",
    "show",
    "summarize",
    "train",
]

_CALLS = {
    "cache": "specc.api.cache",
    "check": "specc.api.program",
    "compile": "specc.api.program",
    "enable_plugin": "specc.api.enabling",
    "evaluate": "specc.api.evaluation",
    "export": "specc.api.training",
    "new_plugin": "specc.api.new_plugin",
    "plugin_info": "specc.api.plugins",
    "plugins": "specc.api.plugins",
    "predict": "specc.api.prediction",
    "show": "specc.api.summary",
    "summarize": "specc.api.summing",
    "train": "specc.api.series",
}


def __getattr__(name: str) -> Any:
    """Import a call when it is first used, so that `import specc` costs nothing."""
    if name not in _CALLS:
        raise AttributeError(f"module 'specc' has no attribute {name!r}")
    import_module("specc.compile")  # a module of the same name as a call: it comes first, the call stays
    globals()["compile"] = import_module(_CALLS["compile"]).compile
    globals()[name] = getattr(import_module(_CALLS[name]), name)
    return globals()[name]
