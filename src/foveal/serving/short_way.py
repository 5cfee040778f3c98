"""The short way: a request that says nothing but its body goes straight to its route.

FastAPI finds a route among all, and solves what it depends on: of a request that names a model and
sends a picture there is nothing to solve, and that took longer than a small network. Whatever else
a request says, or names, goes through FastAPI, which answers the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

POST = "POST"


class Direct(NamedTuple):
    """A route of one model."""

    route: APIRoute
    model: str

    @property
    def path(self) -> str:
        """Where it is asked."""
        return self.route.path.replace("{name}", self.model)


def directs(routes: Iterable[BaseRoute], models: Iterable[str]) -> Mapping[str, Direct]:
    """Gather what is asked of models with a body, by path: `POST` routes, one a model."""
    posted = [one for one in routes if isinstance(one, APIRoute) and POST in (one.methods or ())]
    found = [Direct(route, model) for model in models for route in posted]
    return {one.path: one for one in found}


class ShortWay:
    """Requests by their paths, and what answers them without FastAPI.

    Parameters
    ----------
    app : FastAPI
        Answers all others, and says what becomes of errors.
    directs : mapping
        What is asked of models, see `directs`.
    """

    def __init__(self, app: FastAPI, directs: Mapping[str, Direct]) -> None:
        self.app, self.directs = app, directs
        handlers = dict(app.exception_handlers)
        fault = handlers.pop(Exception)
        self.short: ASGIApp = ServerErrorMiddleware(
            ExceptionMiddleware(_answered, handlers), handler=fault
        )

    def direct(self, scope: Scope) -> Direct | None:
        """Return the route of a request that a model is asked by; None of any other."""
        found = self.directs.get(scope["path"])
        return found if found is not None and scope["method"] == POST else None

    def way(self, scope: Scope, direct: Direct | None) -> ASGIApp:
        """Return what answers a request."""
        if direct is None or scope["query_string"]:
            return self.app
        note(scope, direct)
        return self.short


def note(scope: Scope, direct: Direct) -> None:
    """Write down the route of a request, as FastAPI does."""
    scope["route"], scope["path_params"] = direct.route, {"name": direct.model}


async def _answered(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request by its route."""
    endpoint: Callable[[str, Request], Awaitable[Response]] = scope["route"].endpoint
    response = await endpoint(scope["path_params"]["name"], Request(scope, receive))
    await response(scope, receive, send)
