"""`/v1/openapi.json`, from the same documents that server and client use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from node.rpc import schema
from node.rpc.endpoint import Endpoint

_REF: Final = "#/components/schemas/{name}"
_VARIABLE: Final = re.compile(r"{(\w+)}")


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The OpenAPI 3.1 description of `endpoints`."""
    kinds = [
        schema.ProblemDocument,
        *dict.fromkeys(
            kind
            for endpoint in endpoints
            for kind in (endpoint.answer, endpoint.body, endpoint.query)
            if kind is not None
        ),
    ]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    by_kind = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, by_kind, components)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chiaroscuro node", "version": version("chiaroscuro")},
        "servers": [{"url": f"/{schema.API}"}],
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(
    endpoint: Endpoint, by_kind: dict[Any, Any], components: dict[str, Any]
) -> dict[str, Any]:
    parameters = []
    for name in _VARIABLE.findall(endpoint.path):
        text = {"type": "string"}
        parameters.append({"name": name, "in": "path", "required": True, "schema": text})
    query = components[endpoint.query.__name__]
    parameters += [
        {"name": name, "in": "query", "required": name in query["required"], "schema": form}
        for name, form in query["properties"].items()
    ]
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {
            "200": _content("the document", by_kind[endpoint.answer]),
            "default": _content("why it failed", by_kind[schema.ProblemDocument]),
        },
    }
    if endpoint.body is not None:
        operation["requestBody"] = {**_content("", by_kind[endpoint.body]), "required": True}
    return operation


def _content(description: str, form: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"content": {schema.MEDIA_TYPE: {"schema": form}}}
    return {"description": description, **content} if description else content
