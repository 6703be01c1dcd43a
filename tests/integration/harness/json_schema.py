"""As much of JSON Schema (draft 7) as testdata/manifest/schema.json uses; a word that is not known is an error."""
import datetime
import re
from urllib.parse import urlsplit

IGNORED = {"$schema", "title", "definitions"}


def problems(value, schema, root=None, path="$"):
    """What is wrong with a value, as texts that begin with the place."""
    root = root or schema
    found = []
    for word, argument in schema.items():
        if word not in IGNORED:
            found += _WORDS[word](value, argument, root, path)
    return found


def _is(value, kind):
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    return isinstance(value, kinds[kind])


def _type(value, kinds, _root, path):
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return [] if any(_is(value, kind) for kind in kinds) else [f"{path} is no {' or '.join(kinds)}"]


def _required(value, names, _root, path):
    return [f"{path} has no {name}" for name in names if isinstance(value, dict) and name not in value]


def _properties(value, schemas, root, path):
    if not isinstance(value, dict):
        return []
    return [problem for name, schema in schemas.items() if name in value
            for problem in problems(value[name], schema, root, f"{path}.{name}")]


def _items(value, schema, root, path):
    if not isinstance(value, list):
        return []
    return [problem for number, item in enumerate(value) for problem in problems(item, schema, root, f"{path}[{number}]")]


def _min_items(value, count, _root, path):
    return [f"{path} has too few items"] if isinstance(value, list) and len(value) < count else []


def _enum(value, values, _root, path):
    return [] if value in values else [f"{path} is none of {values}"]


def _pattern(value, pattern, _root, path):
    return [] if not isinstance(value, str) or re.search(pattern, value) else [f"{path} is not like {pattern}"]


def _format(value, name, _root, path):
    try:
        if name == "date-time":
            datetime.datetime.fromisoformat(value)
        elif name == "uri" and not urlsplit(value).scheme:
            raise ValueError
    except ValueError:
        return [f"{path} is no {name}"]
    return []


def _ref(value, name, root, path):
    schema = root
    for part in name.removeprefix("#/").split("/"):
        schema = schema[part]
    return problems(value, schema, root, path)


def _any_of(value, schemas, root, path):
    return [] if any(not problems(value, schema, root, path) for schema in schemas) else [f"{path} fits none of the choices"]


def _one_of(value, schemas, root, path):
    fitting = sum(not problems(value, schema, root, path) for schema in schemas)
    return [] if fitting == 1 else [f"{path} fits {fitting} of the choices"]


_WORDS = {"type": _type, "required": _required, "properties": _properties, "items": _items, "minItems": _min_items, "enum": _enum,
          "pattern": _pattern, "format": _format, "$ref": _ref, "anyOf": _any_of, "oneOf": _one_of}
