#!/usr/bin/env python3
"""A public OpenAPI document, without what no request is judged by.

    tests/corpora/openapi/trim.py FULL.json > openapi.json

Descriptions, examples, extensions, bodies of responses and components that no request reaches are
taken away. Operations, parameters, bodies of requests, servers and security stay as they were.
"""

import json
import sys

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
PROSE = ("description", "summary", "title", "example", "examples", "externalDocs", "tags", "callbacks")
# Their members are names, not keywords.
NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "variables")


def bare(node):
    """A node without prose; names of properties are left alone, whatever they are."""
    if isinstance(node, list):
        return [bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if key in NAMED and isinstance(value, dict):
            out[key] = {name: bare(member) for name, member in value.items()}
        elif key in ("enum", "const", "default"):
            out[key] = value
        elif key not in PROSE and not key.startswith("x-"):
            out[key] = bare(value)
    return out


def operation(found):
    kept = ("operationId", "parameters", "requestBody", "security", "servers")
    out = {key: bare(found[key]) for key in kept if key in found}
    good = [status for status in found.get("responses", {}) if status[0] in "23"]
    out["responses"] = {(good or ["default"])[0]: {"description": ""}}
    return out


def references(node):
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            yield from references(value)


def main():
    with open(sys.argv[1]) as file:
        whole = json.load(file)
    out = {key: bare(whole[key]) for key in ("openapi", "servers", "security") if key in whole}
    out["info"] = {key: whole["info"][key] for key in ("title", "version", "license") if key in whole["info"]}
    out["paths"] = {
        path: {key: operation(value) if key in METHODS else bare(value) for key, value in item.items()}
        for path, item in whole["paths"].items() if not path.startswith("x-")}
    components = out["components"] = {}
    schemes = whole.get("components", {}).get("securitySchemes")
    if schemes:
        components["securitySchemes"] = bare(schemes)
    waiting = list(references(out["paths"]))
    while waiting:
        kind, name = waiting.pop().removeprefix("#/components/").split("/")
        room = components.setdefault(kind, {})
        if name not in room:
            room[name] = bare(whole["components"][kind][name])
            waiting.extend(references(room[name]))
    # A path a line, so that a later version can be compared.
    paths = ",\n".join(f"{written(path)}:{written(item)}" for path, item in out.pop("paths").items())
    print(f'{written(out)[:-1]},"paths":{{\n{paths}\n}}}}')


def written(node):
    return json.dumps(node, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    main()
