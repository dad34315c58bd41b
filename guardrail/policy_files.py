"""Policy files: reading them strictly, and explaining what is wrong with one."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast, get_args

from pydantic import BaseModel, ValidationError

from guardrail.errors import PolicyError

PRESETS: Final = ("clinician", "patient", "research")
_SUFFIXES: Final = (".yaml", ".yml", ".toml", ".json")
_FOLDER: Final = Path(__file__).parent / "presets"

Data = dict[str, Any]


def preset_text(name: str) -> str:
    """A preset as it is written, YAML."""
    return (_FOLDER / f"{name}.yaml").read_text("utf-8")


def read(source: str | Path | Data) -> tuple[Data, str]:
    """The data of a policy, and how to call its place in a message."""
    if isinstance(source, dict):
        return source, "policy"
    if isinstance(source, str) and source in PRESETS:
        return read_preset(source, "policy"), f"preset {source}"
    path = Path(source)
    if path.suffix.lower() in _SUFFIXES:
        return _read_file(path), str(path)
    if path.exists():
        raise PolicyError(f"{path}: a policy file ends in {', '.join(_SUFFIXES)}")
    raise PolicyError(
        f"no policy {_short(str(source))}: {_suggest(str(source), PRESETS)}; or the path of a file ending in "
        f"{', '.join(_SUFFIXES)}"
    )


def read_preset(name: object, where: str) -> Data:
    """The data of a preset."""
    if name not in PRESETS:
        raise PolicyError(f"{where}: no preset {_short(name)}: {_suggest(str(name), PRESETS)}")
    return _read_file(_FOLDER / f"{name}.yaml")


def merge(base: Data, changes: Data) -> Data:
    """`base` with `changes` laid over it, key by key; a new threshold replaces a rate, and a rate it."""
    merged = dict(base)
    for one, other in (("threshold", "false_positive_rate"), ("false_positive_rate", "threshold")):
        if one in changes and other not in changes:
            merged.pop(other, None)
    for key, new in changes.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(new, dict)
        merged[key] = merge(cast(Data, old), cast(Data, new)) if both else new
    return merged


def explain(error: ValidationError, model: type[BaseModel], where: str) -> str:
    """What is wrong, key by key; at most five."""
    problems = error.errors(include_url=False)
    lines = [
        _explain_one(problem["loc"], problem["type"], problem["msg"], problem["input"], model)
        for problem in problems
    ]
    more = [f"and {len(lines) - 5} more"] if len(lines) > 5 else []
    return f"{where}: " + "; ".join([*dict.fromkeys(lines[:5]), *more])


def _explain_one(
    loc: tuple[int | str, ...], kind: str, message: str, value: object, model: type[BaseModel]
) -> str:
    path = ".".join(str(part) for part in loc if part != "[key]") or "policy"
    if kind == "extra_forbidden":
        parent = _model_at(model, loc[:-1])
        known = [*parent.model_fields, *(["extends"] if parent is model else [])]
        return f"{path}: unknown key; {_suggest(str(loc[-1]), known)}"
    if kind == "missing":
        return f"{path}: missing"
    message = message.removeprefix("Value error, ")
    if isinstance(value, dict | list | BaseModel):
        return f"{path}: {message}"
    hint = " (YAML reads on, off, yes and no as true or false: quote them)" if isinstance(value, bool) else ""
    return f"{path}: {message}, got {_short(value)}{hint}"


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that a location inside `model` belongs to."""
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            found = _first_model(model.model_fields[part].annotation)
            model = found or model
    return model


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _first_model(part))), None)


def _suggest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'? (known: {', '.join(names)})" if near else f"known: {', '.join(names)}"


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."


def _read_file(path: Path) -> Data:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise PolicyError(f"{path}: not UTF-8 text") from None
    except OSError as error:
        raise PolicyError(f"{path}: can't be read ({error.strerror or type(error).__name__})") from None
    try:
        data = _parse(path.suffix.lower(), text)
    except RecursionError:
        raise PolicyError(f"{path}: nested too deeply") from None
    except ValueError as error:
        raise PolicyError(f"{path}: {error}") from None
    if not isinstance(data, dict):
        raise PolicyError(f"{path}: a policy is a mapping of keys to values")
    return cast(Data, data)


def _parse(suffix: str, text: str) -> object:
    if suffix == ".toml":
        return tomllib.loads(text)
    if suffix == ".json":
        return json.loads(text, object_pairs_hook=_unique)
    return _parse_yaml(text)


def _unique(pairs: list[tuple[str, Any]]) -> Data:
    data: Data = {}
    for key, value in pairs:
        if key in data:
            raise ValueError(f"duplicate key {_short(key)}")
        data[key] = value
    return data


def _parse_yaml(text: str) -> object:
    # 10 ms of import that only a policy file needs
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses duplicate keys, of which YAML would silently keep the last."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                name = str(key.value)
                if name in seen:
                    raise ValueError(f"line {key.start_mark.line + 1}: duplicate key {_short(name)}")
                seen.add(name)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{line}not valid YAML ({error.problem})") from None
    except yaml.YAMLError:
        raise ValueError("not valid YAML") from None
