"""What /openapi.json says of routes that read their bodies by themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from foveal.serving.schemas import Failure

REFUSALS = {
    400: "The body does not hold, or the model cannot do this.",
    401: "No token, or another.",
    403: "A request of a page of another site.",
    404: "No such model, or nothing to search in.",
    408: "The body came too slowly.",
    413: "More bytes or pictures than may be.",
    415: "Another kind of body.",
    421: "Another host was meant.",
    422: "The picture, or the numbers, cannot be used.",
    503: "The queue is full, or an answer took too long: the header Retry-After says when to try.",
}
ASKING = {status: REFUSALS[status] for status in (401, 403, 404, 421)}
BINARY = {"type": "string", "format": "binary"}
ENCODED = {
    "required": True,
    "description": "One picture as it is (JPEG, PNG or another that Foveal reads), or several "
    "as the parts of a multipart body.",
    "content": {
        "image/jpeg": {"schema": BINARY},
        "image/png": {"schema": BINARY},
        "application/octet-stream": {"schema": BINARY},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"pictures": {"type": "array", "items": BINARY, "minItems": 1}},
                "required": ["pictures"],
            }
        },
    },
}


def answers(
    described: type[BaseModel] | None = None, refusals: dict[int, str] | None = None, **content: Any
) -> dict[int | str, dict[str, Any]]:
    """Describe the answers of a route: the good one, and why there may be none."""
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "model": Failure}
        for status, text in (REFUSALS if refusals is None else refusals).items()
    }
    good: dict[str, Any] = {"description": "The answer."}
    if described is not None:
        good["model"] = described
    if content:
        good["content"] = content["content"]
    return {200: good, **found}


def json_body(described: type[BaseModel]) -> dict[str, Any]:
    """Describe a body of JSON; its model is named in the document by `app.described`."""
    reference = {"$ref": f"#/components/schemas/{described.__name__}"}
    return {"required": True, "content": {"application/json": {"schema": reference}}}
