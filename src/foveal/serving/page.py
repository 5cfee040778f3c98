"""The page about all routes: made of what /openapi.json says, one file that loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from foveal.pages.shell import rendered

METHODS = ("get", "post")


def page_of(openapi: Mapping[str, Any], server: str) -> str:
    """Write the page; its examples ask `server`, such as "http://127.0.0.1:8000"."""
    info = openapi["info"]
    schemas = openapi.get("components", {}).get("schemas", {})
    return rendered(
        "api.html",
        title=info["title"],
        about=_plain(info["description"]),
        version=info["version"],
        groups=_grouped(openapi, schemas, server),
    )


def _grouped(
    openapi: Mapping[str, Any], schemas: Mapping[str, Any], server: str
) -> dict[str, list[dict[str, Any]]]:
    """Gather routes by what they belong to."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in openapi["paths"].items():
        for method in METHODS:
            if method in methods:
                one = methods[method]
                (group,) = one.get("tags", ["About the server"])
                found.setdefault(group, []).append(
                    _route(method, path, one, schemas)
                    | {"example": _example(method, path, one, server)}
                )
    return found


def _route(
    method: str, path: str, facts: Mapping[str, Any], schemas: Mapping[str, Any]
) -> dict[str, Any]:
    body = facts.get("requestBody", {}).get("content", {})
    good = facts["responses"]["200"].get("content", {})
    return {
        "id": "-".join([method, *path.translate(str.maketrans("", "", "{}")).split("/")[1:]]),
        "method": method.upper(),
        "path": path,
        "said": _plain(facts.get("description", "")),
        "parameters": [
            (one["name"], one["in"], one.get("description", ""))
            for one in facts.get("parameters", [])
        ],
        "body": list(_kinds(body, schemas)),
        "answer": list(_kinds(good, schemas)),
        "refusals": [
            (status, one["description"])
            for status, one in facts["responses"].items()
            if status != "200"
        ],
    }


def _kinds(
    content: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield kinds of a body, each with its fields: name, type, meaning; plain ones together."""
    bare = [kind for kind, one in content.items() if "$ref" not in one.get("schema", {})]
    bare = [kind for kind in bare if "properties" not in content[kind].get("schema", {})]
    if bare:
        yield ", ".join(bare), []
    for kind, one in content.items():
        if kind in bare:
            continue
        schema = one.get("schema", {})
        named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        yield (
            kind,
            [
                (
                    name,
                    _type(field, schemas),
                    field.get("description", ""),
                )
                for name, field in named.get("properties", {}).items()
            ],
        )


def _plain(text: str) -> str:
    """Write a text without the marks that set code apart in OpenAPI."""
    return text.replace("`", "")


def _type(field: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Write the type of a field in a word or two."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return "object of " + ", ".join(schemas.get(name, {}).get("properties", {})) or "object"
    if "anyOf" in field:
        return " or ".join(_type(one, schemas) for one in field["anyOf"])
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"list of {_type(field.get('items', {}), schemas)}"
    return "file" if field.get("format") == "binary" else kind


def _example(method: str, path: str, facts: Mapping[str, Any], server: str) -> str:
    """Write a line that asks a route."""
    address = f"{server}{path.replace('{name}', 'NAME')}"
    body = facts.get("requestBody", {}).get("content", {})
    if method == "get":
        return f"curl {address}"
    if "image/jpeg" in body:
        return f"curl -X POST -T cat.jpg -H 'Content-Type: image/jpeg' {address}"
    return f"curl -d @body.json -H 'Content-Type: application/json' {address}"
