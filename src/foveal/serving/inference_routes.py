"""/v2: the Open Inference Protocol, as KServe, Triton and their clients speak it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from foveal.arrays import Array
from foveal.model.predictions import Predictions, names_of
from foveal.pictures.encoded import InMemory
from foveal.serving.bodies import in_thread, read_body
from foveal.serving.documented import ASKING, answers, json_body
from foveal.serving.guard import Guard
from foveal.serving.limits import Limits
from foveal.serving.refusals import Refused
from foveal.serving.resources import Resources
from foveal.serving.schemas import Inference, Inferred, Live, ModelFacts, Ready, Server
from foveal.serving.served import Served
from foveal.serving.shelf import Shelf
from foveal.serving.tensors import BYTES, Asked, Tensor, read_request, written
from foveal.shapes import volume
from foveal.version import __version__
from foveal.wording import counted

PICTURES = "pictures"
"""Name of the one input."""
LENGTH = "inference-header-content-length"
Name = Annotated[str, Path(description="Name of the model.")]


def inference_routes(shelf: Shelf, resources: Resources, state: dict[str, Guard]) -> APIRouter:
    """Make the routes; `state` holds the guard under ``"guard"``."""
    routes = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

    @routes.get("/health/live", responses=answers(Live, {403: ASKING[403], 421: ASKING[421]}))
    async def live() -> Response:
        """Say that the process runs; asks for no token."""
        return JSONResponse({"live": True})

    @routes.get("/health/ready", responses={**answers(Ready, ASKING), 503: {"model": Ready}})
    async def ready() -> Response:
        """Say whether requests are taken, and which models wait for a file that can be loaded."""
        notes = [
            f"{name}: its file changed and cannot be loaded ({why}); the model of before is served"
            for name, why in shelf.troubles.items()
        ]
        open_ = not state["guard"].draining
        return JSONResponse({"ready": open_, "notes": notes}, 200 if open_ else 503)

    @routes.get("", responses=answers(Server, ASKING))
    async def server() -> Response:
        """Say what this server is."""
        facts = {"name": "foveal", "version": __version__, "extensions": ["binary_tensor_data"]}
        return JSONResponse({**facts, "models": [one.name for one in shelf]})

    @routes.get("/models/{name}", responses=answers(ModelFacts, ASKING))
    async def model(name: Name) -> Response:
        """Say what a model takes and gives."""
        return JSONResponse(facts_of(shelf[name]))

    @routes.get("/models/{name}/ready", responses=answers(Ready, ASKING))
    async def model_ready(name: Name) -> Response:
        """Say whether a model answers."""
        trouble = shelf.troubles.get(shelf[name].name)
        return JSONResponse({"ready": True, "notes": [trouble] if trouble else []})

    @routes.post(
        "/models/{name}/infer",
        responses=answers(Inferred),
        openapi_extra={"requestBody": json_body(Inference)},
    )
    async def infer(name: Name, request: Request) -> Response:
        """Answer pictures as a tensor: UINT8 or floats (n, height, width, channels), or BYTES (n).

        Arrays are taken as `FittedModel.predict_proba` takes them, in the range that taught the
        model; BYTES are encoded pictures, as binary data.
        """
        served = shelf[name]
        with resources.room.entered() as visit:
            body = await read_body(request, visit, resources.limits)
            length = _json_length(request)
            read = partial(read_request, json_length=length)
            said = len(body) if length is None else min(length, len(body))
            asked = await in_thread(read, body, visit, said)
            tensors = await _answered(served, asked, resources.limits)
        head = {"model_name": served.name}
        data, length = written(head, asked, tensors)
        if length == len(data):
            return Response(data, media_type="application/json")
        headers = {LENGTH: str(length)}
        return Response(data, media_type="application/octet-stream", headers=headers)

    return routes


def facts_of(served: Served) -> dict[str, Any]:
    """Describe a model's input and outputs."""
    model, recipe = served.model, served.model.recipe
    shape = [-1, recipe.height, recipe.width, recipe.channels]
    columns = [] if model.autoencodes else list(map(str, names_of(model.answering())))
    outputs: list[tuple[str, str, list[int]]] = (
        [("codes", "FP32", [-1, model.plan.code_size])]
        if model.autoencodes
        else [
            ("predicted", "FP64", [-1, len(columns)]),
            ("label", BYTES, [-1]),
            ("answered", "BOOL", [-1]),
            ("unfamiliarity", "FP64", [-1]),
        ]
    )
    inputs = [("pictures", "UINT8", shape), ("pictures", "FP32", shape), ("pictures", BYTES, [-1])]
    return {
        "name": served.name,
        "platform": "foveal",
        "versions": [],
        "inputs": [_facts(*one) for one in inputs],
        "outputs": [_facts(*one) for one in outputs],
        "parameters": {
            "digest": served.digest,
            "task": model.task,
            "columns": columns,
        },
    }


def _facts(name: str, datatype: str, shape: list[int]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape}


def _json_length(request: Request) -> int | None:
    said = request.headers.get(LENGTH)
    if said is None:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) < 12):
        raise Refused(
            400,
            LENGTH,
            needed="the bytes of JSON ahead of the binary data",
            came=said[:40],
            remedy="leave it out where there is no binary data",
        )
    return int(said)


async def _answered(served: Served, asked: Asked, limits: Limits) -> list[Tensor]:
    """Answer the one input that there may be."""
    tensor = _one(asked)
    count, outputs = tensor.shape[0], max(1, volume(served.model.plan.output))
    most = limits.pictures if tensor.datatype == BYTES else limits.rows
    most = max(1, min(most, limits.numbers // outputs))
    if not 1 <= count <= most:
        raise Refused(
            413 if count else 400,
            PICTURES,
            needed=f"1 to {counted(most, 'picture')}",
            came=str(count),
            remedy="send them in several requests",
        )
    if isinstance(tensor.values, list):
        pictures = [InMemory(str(row), data) for row, data in enumerate(tensor.values)]
        if served.model.autoencodes:
            return _coded(await served.codes_of_encoded(pictures))
        return _predicted(await served.predictions_of_encoded(pictures))
    array = _finite(tensor.values)
    if served.model.autoencodes:
        return _coded(await served.codes_of(array))
    return _predicted(await served.predictions_of(array))


def _one(asked: Asked) -> Tensor:
    if len(asked.inputs) != 1 or asked.inputs[0].name != PICTURES:
        raise Refused(
            400,
            "inputs",
            needed=f"one tensor, {PICTURES}",
            came=", ".join(one.name[:40] for one in asked.inputs),
            remedy="GET /v2/models/NAME says what is taken",
        )
    return asked.inputs[0]


def _finite(values: Array) -> Array:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise Refused(
            422,
            PICTURES,
            needed="finite numbers",
            came="NaN or infinity",
            remedy="send the values of pixels",
        )
    return values


def _predicted(found: Predictions) -> list[Tensor]:
    answered = found.answered
    texts = [
        label.encode() if sure else b""
        for (label, _, _), sure in zip(found.written(), answered.tolist(), strict=True)
    ]
    return [
        _of("predicted", "FP64", found.predicted),
        Tensor(name="label", datatype=BYTES, shape=(len(texts),), values=texts),
        _of("answered", "BOOL", answered),
        _of("unfamiliarity", "FP64", found.unfamiliarity),
    ]


def _coded(codes: Array) -> list[Tensor]:
    return [_of("codes", "FP32", codes)]


def _of(name: str, datatype: str, values: Array) -> Tensor:
    return Tensor(name=name, datatype=datatype, shape=values.shape, values=values)
