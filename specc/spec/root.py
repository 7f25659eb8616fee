"""The model of a whole spec, one for each task of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, create_model

from specc.blame import at_fault, owner_of, said
from specc.errors import SpeccError
from specc.plugin import Arguments, Task
from specc.spec.keys import FIXED, Data, Network, Place
from specc.spec.reader import PerNetwork

if TYPE_CHECKING:
    from specc.registry import Registry


def build(registry: Registry, task: str | Task) -> type[BaseModel]:
    """The model of a whole spec of one task. Raises KeyError where the registry has no such task."""
    task = registry.tasks[task] if isinstance(task, str) else task
    made, model = _MODELS.get(id(task), (None, None))
    if made is not task or model is None:
        model = _sound(registry, task)
        _MODELS[id(task)] = (task, model)
    return model


def _sound(registry: Registry, task: Task) -> type[BaseModel]:
    """The model. Raises SpeccError S119 where the record of a plugin's task allows none."""
    plugin = owner_of(registry, "tasks", task.name)
    if not plugin:
        return _build(task)
    try:
        model = _build(task)
        model.model_rebuild()
    except Exception as error:
        what = f"has a task `{task.name}` whose keys or output make no spec: {type(error).__name__}: {said(str(error))}"
        raise SpeccError((at_fault(registry, plugin, what),)) from error
    return model


_MODELS: dict[int, tuple[Task, type[BaseModel]]] = {}  # a task keeps its model: making one takes longer than a check


def _build(task: Task) -> type[BaseModel]:
    keys = {name: field for name, field in FIXED.items() if name not in task.lifts}
    for name in task.lifts & FIXED.keys():
        annotation, field = FIXED[name]
        keys[name] = (annotation | None, Field(default=None, description=field.description))
    if task.output is not None:
        keys["output"] = (task.output, Field(description="what comes out"))
    keys |= _network_keys(task)
    keys |= dict(task.keys)
    if task.sources:
        places: dict[str, Any] = {
            source.name: (Place | None, Field(default=None, description=source.doc)) for source in task.sources
        }
        data: Any = create_model("Data", __base__=Data, __module__=__name__, **places)
        keys["data"] = (data, FIXED["data"][1])
    model: type[BaseModel] = create_model("Spec", __base__=Arguments, __module__=__name__, **keys)  # type: ignore[call-overload]
    return model


def _network_keys(task: Task) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if task.networks:
        roles: dict[str, Any] = {name: (Network, Field(description=f"the {name}")) for name in task.networks}
        group: Any = create_model("Networks", __base__=Arguments, __module__=__name__, **roles)
        keys["networks"] = (group, Field(description="the networks of this task, by name"))
    else:
        keys["model"] = (Network, Field(description="the network"))
    for key, kind in (("loss", "loss"), ("optimizer", "optimizer")):
        mark = PerNetwork(kind, task.networks, key == "loss")
        field = Field(default=None if key in task.lifts else ..., description=_KEY_DOC[key])
        keys[key] = (Annotated[dict[str, Any], mark], field)
    return keys


_KEY_DOC = {
    "loss": "what training makes small: a name, or a list that is summed",
    "optimizer": "how weights are changed: `adam`, or a name with its settings",
}
