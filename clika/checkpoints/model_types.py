"""The model types that the installed transformers knows, read from its source: importing it takes seconds."""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def causal_model_types() -> frozenset[str]:
    """Those with a causal language model; empty where transformers' tables cannot be read: its loader then says so."""
    return _types("modeling_auto.py", "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES")


def model_types() -> frozenset[str]:
    """All that it has code of its own for; empty as above."""
    return _types("auto_mappings.py", "CONFIG_MAPPING_NAMES")


@cache
def _types(file: str, table: str) -> frozenset[str]:
    spec = find_spec("transformers")
    if spec is None or not spec.origin:
        return frozenset()
    source = Path(spec.origin).parent / "models" / "auto" / file
    if not source.is_file():
        return frozenset()
    for node in ast.parse(source.read_text("utf-8")).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if any(isinstance(target, ast.Name) and target.id == table for target in node.targets):
            return frozenset(model_type for model_type, _ in ast.literal_eval(node.value.args[0]))
    return frozenset()
