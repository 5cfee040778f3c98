"""The application: routes, errors, and the documents about them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute

from foveal.errors import FovealError, ResourceError
from foveal.parameters import nearest_words
from foveal.serving.documented import ASKING, answers
from foveal.serving.door import Door
from foveal.serving.guard import GONE, Guard
from foveal.serving.inference_routes import inference_routes
from foveal.serving.page import page_of
from foveal.serving.picture_routes import picture_routes
from foveal.serving.refusals import Refused, refused_by, told
from foveal.serving.resources import Resources
from foveal.serving.schemas import Code, Inference
from foveal.serving.shelf import Shelf
from foveal.serving.short_way import ShortWay, directs
from foveal.version import __version__
from foveal.visible import visible

TEXT = {"text/plain": {"schema": {"type": "string"}}}
HTML = {"text/html": {"schema": {"type": "string"}}}
BODIES: tuple[type[BaseModel], ...] = (Code, Inference)
"""Bodies that routes read by themselves, which FastAPI does not see."""
MOST_SHOWN = 80
"""Letters that are shown of a request that has no route."""
REFERENCE = "#/components/schemas/{model}"
ABOUT = (
    "Networks that answer what `foveal predict`, `encode`, `decode`, `anomalies` and `similar` "
    "answer: the same bytes in, the same numbers out."
)


def application(
    shelf: Shelf,
    resources: Resources,
    door: Door,
    log: Callable[[str], None] | None = None,
) -> Guard:
    """Make the application that serves models.

    Parameters
    ----------
    shelf : Shelf
        The models.
    resources : Resources
        Threads, room and counters.
    door : Door
        Who may come in.
    log : callable, optional
        Gets a line a request.

    Returns
    -------
    Guard
        An ASGI application.
    """
    app = FastAPI(
        title="foveal serve",
        summary="Pictures in, what networks say of them out.",
        description=ABOUT,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    state: dict[str, Guard] = {}
    routers = (picture_routes(shelf, resources), inference_routes(shelf, resources, state))
    for one in routers:
        app.include_router(one)
    _add_documents(app, resources, list(shelf.wanted))
    routes = [route for one in routers for route in one.routes]
    _add_errors(app, _asked_of_models(routes, list(shelf.wanted)))
    asked = directs(routes, shelf.wanted)
    state["guard"] = Guard(ShortWay(app, asked), door, resources, log)
    return state["guard"]


def _add_documents(app: FastAPI, resources: Resources, names: Sequence[str]) -> None:
    """Add what is about the server, and the documents about its routes and models."""

    @app.get("/metrics", responses=answers(None, ASKING, content=TEXT), response_class=Response)
    async def metrics() -> Response:
        """Counts for Prometheus, of this process."""
        resources.counters.queue.set(resources.room.pictures)
        return Response(resources.counters.text(), media_type="text/plain; version=0.0.4")

    @app.get("/openapi.json", responses=answers(None, ASKING))
    async def openapi() -> Response:
        """Describe all routes."""
        return JSONResponse(described(app, names))

    @app.get("/docs", responses=answers(None, ASKING, content=HTML), response_class=Response)
    async def docs(request: Request) -> Response:
        """Describe all routes to a person, on a page that loads nothing."""
        return HTMLResponse(page_of(described(app, names), str(request.base_url).rstrip("/")))

    @app.get("/", include_in_schema=False)
    async def first() -> Response:
        """Lead a person who opens the bare address to the page."""
        return RedirectResponse("docs")


def described(app: FastAPI, names: Sequence[str]) -> dict[str, Any]:
    """Describe an application as OpenAPI.

    With the names of the models that it serves, and the bodies that its routes read by themselves.
    """
    found = app.openapi()
    operations = [one for path in found["paths"].values() for one in path.values()]
    for parameter in (one for each in operations for one in each.get("parameters", [])):
        if parameter["name"] == "name":
            parameter["schema"]["enum"] = list(names)
    _, schemas = models_json_schema([(one, "validation") for one in BODIES], ref_template=REFERENCE)
    named = found.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in schemas["$defs"].items():
        named.setdefault(name, schema)
    return found


def _asked_of_models(routes: Iterable[BaseRoute], names: Sequence[str]) -> dict[str, str]:
    """Return the routes of models by their last words; NAME stands for one of several models."""
    name = names[0] if len(names) == 1 else "NAME"
    paths = [one.path for one in routes if isinstance(one, APIRoute)]
    asked = [path for path in paths if "{name}/" in path]
    return {path.rpartition("/")[2]: path.replace("{name}", name) for path in asked}


def _add_errors(app: FastAPI, asked: Mapping[str, str]) -> None:
    """Answer every error in one form; `asked` are the routes of models, by their last words."""

    def answer(refusal: Refused) -> Response:
        status, headers, body = told(refusal)
        named = {name.decode(): value.decode() for name, value in headers}
        return Response(body, status, headers=named)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return answer(error)

    async def library(request: Request, error: Exception) -> Response:
        assert isinstance(error, FovealError)
        return answer(refused_by(error))

    async def memory(request: Request, error: Exception) -> Response:
        short = ResourceError(
            "memory", needed="room for the picture", came="none left", remedy="try again later"
        )
        return answer(refused_by(short))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(_unrouted(request, error, asked))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][1:])) or "the request"
        said = str(first.get("input"))[:60]
        need = str(first["msg"]).removeprefix("Input should be ").partition(", unable")[0][:120]
        return answer(Refused(422, where, needed=need, came=said, remedy="see /docs"))

    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=GONE)  # nobody reads it; it is counted

    async def fault(request: Request, error: Exception) -> Response:
        logging.getLogger("foveal.serving").error("a fault of the program", exc_info=error)
        came = "a fault of the program"
        return answer(Refused(500, "the server", needed="an answer", came=came, remedy="report it"))

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(FovealError, library)
    app.add_exception_handler(MemoryError, memory)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, fault)


def _unrouted(request: Request, error: HTTPException, asked: Mapping[str, str]) -> Refused:
    path = request.url.path
    known = error.status_code == 405
    near = [] if known else nearest_words(path.rstrip("/").rpartition("/")[2], asked, most=1)
    return Refused(
        error.status_code,
        "the request",
        needed="a method that the route has" if known else "a route of this server",
        came=visible(f"{request.method} {path}", MOST_SHOWN),
        remedy=f"ask {asked[near[0]]}, see /docs" if near else "see /docs",
        headers=error.headers,
    )
