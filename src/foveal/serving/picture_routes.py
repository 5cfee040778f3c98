"""/v1: pictures as they are in, and what the command of that name says out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from foveal.pictures.encoded import InMemory
from foveal.serving.bodies import json_in, pictures_in
from foveal.serving.documented import ENCODED, answers, json_body
from foveal.serving.refusals import Refused
from foveal.serving.resources import Resources
from foveal.serving.schemas import Code, Codes, Predicted, Similar, Unusual
from foveal.serving.shelf import Shelf
from foveal.serving.wanted import FALSE_ALARMS

Name = Annotated[str, Path(description="Name of the model.")]
Count = Annotated[int, Query(ge=1, le=1_000, description="Pictures to find for each.")]
Rate = Annotated[
    float, Query(gt=0, lt=1, description="Share of usual pictures that may be called unusual.")
]
Top = Annotated[
    int,
    Query(ge=1, le=1_000_000, description="Classes told of each picture: the most probable."),
]
MOST_CLASSES = 1_000
"""Classes told of each picture where nothing is asked."""
PNG = {"image/png": {"schema": {"type": "string", "format": "binary"}}}


def picture_routes(shelf: Shelf, resources: Resources) -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/v1/models/{name}", tags=["Pictures"])

    async def asked(
        request: Request,
        ask: Callable[[Sequence[InMemory]], Awaitable[dict[str, Any]]],
    ) -> Response:
        with resources.room.entered() as visit:
            return JSONResponse(await ask(await pictures_in(request, visit, resources.limits)))

    @routes.post("/predict", responses=answers(Predicted), openapi_extra={"requestBody": ENCODED})
    async def predict(name: Name, request: Request, top: Top = MOST_CLASSES) -> Response:
        """Say what pictures are: the rows of `foveal predict`."""
        served = shelf[name]

        async def ask(pictures: Sequence[InMemory]) -> dict[str, Any]:
            return await served.predict(pictures, top)

        return await asked(request, ask)

    @routes.post("/encode", responses=answers(Codes), openapi_extra={"requestBody": ENCODED})
    async def encode(name: Name, request: Request) -> Response:
        """Say the codes of pictures, or their features, as `foveal encode` writes them."""
        served = shelf[name]
        return await asked(request, served.encode)

    @routes.post("/anomaly", responses=answers(Unusual), openapi_extra={"requestBody": ENCODED})
    async def anomaly(name: Name, request: Request, false_alarms: Rate = FALSE_ALARMS) -> Response:
        """Say how unusual pictures are: the rows of `foveal anomalies`."""
        served = shelf[name]

        async def ask(pictures: Sequence[InMemory]) -> dict[str, Any]:
            return await served.anomaly(pictures, false_alarms)

        return await asked(request, ask)

    @routes.post("/similar", responses=answers(Similar), openapi_extra={"requestBody": ENCODED})
    async def similar(name: Name, request: Request, k: Count = 10) -> Response:
        """Find the most like pictures of the index that the server was started with."""
        served = shelf[name]

        async def ask(pictures: Sequence[InMemory]) -> dict[str, Any]:
            return await served.similar(pictures, k)

        return await asked(request, ask)

    @routes.post(
        "/decode",
        responses=answers(content=PNG),
        response_class=Response,
        openapi_extra={"requestBody": json_body(Code)},
    )
    async def decode(name: Name, request: Request) -> Response:
        """Make the picture of a code: a PNG file, as `foveal decode` writes it."""
        served = shelf[name]
        with resources.room.entered() as visit:
            facts = await json_in(request, visit, resources.limits)
            if not isinstance(facts, dict) or not isinstance(facts.get("code"), list):
                raise Refused(
                    400,
                    "the body",
                    needed="an object with a code: the numbers that encode gave",
                    came=repr(facts)[:60],
                    remedy='send {"code": [0.1, ...]}',
                )
            png = await served.decode(facts["code"])
        return Response(png, media_type="image/png")

    return routes
