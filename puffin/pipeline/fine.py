"""Fine tasks on a cluster: each task of a unit is a task of dask's, so that its dashboard shows every stage.

That costs 2 ms a task, which is why units travel in groups otherwise. What a task brings forth stays on its worker for
those that need it; the driver gets the outcomes of a whole unit with the results of its last tasks.
"""

import os
import pickle
import pkgutil

import toolz
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer
from dask.task_spec import Task as DaskTask
from dask.task_spec import TaskRef

from puffin.pipeline import lifeline
from puffin.pipeline.runner import attempt, without_buffers
from puffin.pipeline.task import DONE
from puffin.pipeline.wire import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from puffin.pipeline.graph import Unit
    from puffin.pipeline.pull import Parcel
    from puffin.pipeline.task import Key

    Name = tuple[str, str]
    Carried = tuple[
        Key, bool, Any, bytes
    ]  # key, whether it is done, its result, the outcomes up to here, encoded

_RUN_FINE = "puffin.pipeline.fine:run_fine"


def fine_graph(parcels: "Sequence[Parcel]") -> "tuple[HighLevelGraph, list[list[Name]]]":
    """Return the graph of the tasks of *parcels*, and for each parcel the names of its last tasks.

    There is a layer for each stage; a name begins with the stage, by which the dashboard knows and colours it.
    """
    token = os.urandom(4).hex()
    layers: dict[str, dict[Name, DaskTask]] = {}
    needs: dict[str, set[str]] = {}
    rank: dict[Name, int] = {}
    last: list[list[Name]] = []
    for number, (unit, inputs) in enumerate(parcels):
        names = {task.key: (task.stage, f"{task.label}-{token}-{number}-{at}") for at, task in enumerate(unit)}
        ends = _ends(unit)
        last.append([names[key] for key in ends])
        for task in unit:
            inner = [key for key in dict.fromkeys(task.dependencies) if key in names]
            outer = {key: inputs[key] for _, key in task.inputs if key in inputs}
            name = names[task.key]
            sent = pickle.dumps((task, outer, task.key in ends))
            references = [TaskRef(names[key]) for key in inner]
            call = DaskTask(None, pkgutil.resolve_name, _RUN_FINE)
            layers.setdefault(task.stage, {})[name] = DaskTask(name, toolz.apply, call, sent, *references)
            needs.setdefault(task.stage, set()).update(key[0] for key in inner if key[0] != task.stage)
            rank[name] = len(parcels) - number
    annotations = {"priority": lambda name: rank[name], "retries": 0}
    made = {stage: MaterializedLayer(layer, annotations=annotations) for stage, layer in layers.items()}
    return HighLevelGraph(made, needs), last


def _ends(unit: "Unit") -> "set[Key]":
    needed = {key for task in unit for key in task.dependencies}
    return {task.key for task in unit} - needed


def run_fine(sent: bytes, *carried: "Carried") -> "Carried":
    """In a worker: run one task with what the tasks before it carried here."""
    lifeline.follow()
    task, results, is_end = pickle.loads(sent)
    told = b"".join([outcomes for _, _, _, outcomes in carried])
    results.update({key: result for key, done, result, _ in carried if done})
    if not all(done for _, done, _, _ in carried):
        return task.key, False, None, told
    outcome = attempt(task, results, str(os.getpid()))
    told += encode(without_buffers(outcome) if task.transient else outcome)
    result = None if is_end else portable(outcome.result)
    return task.key, outcome.status == DONE, result, told


def portable(result: "Any") -> "Any":
    """Return *result* so that it can go to another worker: buffers in it become bytes."""
    if isinstance(result, (memoryview, bytearray)):
        return bytes(result)
    if isinstance(result, (tuple, list)):
        return type(result)(map(portable, result))
    return result
