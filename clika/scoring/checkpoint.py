"""A checkpoint on disk or on the Hub: where it lies, and the model and tokenizer that stand in it.

Only whole, decoder-only models in safetensors are loaded, without code of their own: a weight that is
missing would be random, and a later token that changes an earlier prediction makes forced choice mean nothing.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from huggingface_hub import snapshot_download
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING
from transformers.utils import logging as transformers_logging

from clika.checkpoints.folder_rules import checked_configuration, checked_weights
from clika.checkpoints.hub import snapshot_of
from clika.errors import ModelError, UsageError

Dtype = Literal["float32", "bfloat16", "float16"]
Device = Literal["cpu", "cuda", "mps", "auto"]
DeviceMap = str | dict[str, str]
"""How accelerate spreads a model's layers: ``balanced`` over the GPUs that are visible, or layer by layer."""

_logger = logging.getLogger(__name__)

TORCH_DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

_LOCAL: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_MORE_TOKENS = ("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_hidden_layers")
_NUMBER = re.compile(r"\d+")
_HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.tiktoken", "*.jinja"]

_CAUSAL_ENDINGS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
# Encoders that transformers loads as "causal" models without a word unless is_decoder is set.
_ENCODERS = frozenset(
    {
        "bert",
        "bert-generation",
        "big_bird",
        "camembert",
        "convbert",
        "data2vec-text",
        "electra",
        "ernie",
        "megatron-bert",
        "modernbert",
        "rembert",
        "roberta",
        "roberta-prelayernorm",
        "roc_bert",
        "roformer",
        "xlm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xlnet",
        "xmod",
    }
)


def device_here(device: str) -> torch.device:
    """The device of that name; ``auto`` is a GPU where torch sees one. Raises UsageError for one that is not there."""
    if device not in get_args(Device):
        raise UsageError(f"unknown device {device!r}; known: {', '.join(get_args(Device))}")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return torch.device(next(kind for kind, found in there.items() if found))
    if not there[device]:
        wanted = "install torch for CUDA" if device == "cuda" else "run on a Mac with Apple silicon"
        raise UsageError(
            f"device {device!r} and torch sees no such GPU here; use 'cpu' or 'auto', or {wanted}"
        )
    return torch.device(device)


def checkpoint_folder(model: str) -> tuple[Path, str, str | None]:
    """(absolute folder, base, revision) of a folder or a Hub id; the revision is None for a folder of one's own.

    A folder in the Hub's cache is what was downloaded there: the Hub id at its commit.
    """
    folder = Path(model).expanduser()
    try:
        is_folder, is_model = folder.is_dir(), (folder / "config.json").is_file()
    except OSError as error:
        raise ModelError(f"{model} cannot be read ({error}); check the path and its permissions") from error
    if is_model:
        absolute = Path(os.path.abspath(folder))
        kept = snapshot_of(absolute)
        if kept is not None:
            return absolute, *kept
        folder = folder.resolve()
        _logger.info("model %s is the folder %s", model, folder)
        return folder, str(folder), None
    if not _HUB_ID.fullmatch(model):
        what = "a folder without config.json" if is_folder else "no folder"
        if is_folder and (folder / "adapter_config.json").is_file():
            what = "an adapter, not a whole model"
        raise ModelError(
            f"{model} is {what}; a model is a folder with config.json, tokenizer and safetensors weights, or"
            " a Hub id such as owner/name: check the path, or merge the adapter into its base and save that"
        )
    try:
        snapshot = Path(snapshot_download(model, allow_patterns=_HUB_FILES)).resolve()
    except Exception as error:  # the Hub's client, HTTP and file system errors share no base
        shadow = f"the folder {folder.resolve()} holds no config.json, and " if is_folder else ""
        raise ModelError(
            f"model {model!r}: {shadow}it could not be fetched from the Hub ({_sentence(error)});"
            " check the name and the connection, or give the path of a model folder"
        ) from error
    return snapshot, model, snapshot.name


def device_memory(device: torch.device) -> int | None:
    """Bytes that a model may take there; None where the device does not say.

    On a GPU what is free now, elsewhere the machine's memory, or less where a container sets a limit.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.is_file() else ""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(machine, int(text)) if text.isdigit() else machine


def loaded(folder: Path, dtype: Dtype, device_map: DeviceMap | None = None) -> tuple[Any, Any]:
    """(model, tokenizer) of a folder. Raises ModelError for whatever keeps it from being loaded whole."""
    config = configuration(folder)
    check_architecture(folder, config)
    return network_of(folder, config, dtype, device_map=device_map), tokenizer_of(folder)


def configuration(folder: Path) -> Any:
    """What config.json says. Raises ModelError for an adapter, or one that transformers does not understand."""
    if (folder / "adapter_config.json").is_file():
        raise ModelError(
            f"{folder} holds adapter_config.json, and an adapter would bring a base of its own;"
            " merge it into its base, save the result and give that folder"
        )
    # Sizes are bounded and nothing leads to code before anything is built. An encoder is refused by its own name.
    checked_configuration(folder)
    with _loading(folder):
        return AutoConfig.from_pretrained(folder, **_LOCAL)


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer of a folder. Raises ModelError where there is none that can be loaded."""
    with _loading(folder):
        return AutoTokenizer.from_pretrained(folder, **_LOCAL)


def network_of(
    folder: Path,
    config: Any,
    dtype: Dtype,
    *,
    shapes_only: bool = False,
    device_map: DeviceMap | None = None,
) -> Any:
    """The model of a folder whose architecture was checked: on the CPU, or spread as ``device_map`` says.

    ``shapes_only`` compares names and shapes of all weights likewise and reads none of their values: the
    model then stands on torch's meta device. Raises ModelError where it cannot be loaded whole.
    """
    checked_weights(folder)
    with _loading(folder):
        # Named here, since a name in config.json could load a kernel from elsewhere.
        model_class = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
        attention = "sdpa" if getattr(model_class, "_supports_sdpa", False) else "eager"
        opened: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=TORCH_DTYPES[dtype],
            device_map="meta" if shapes_only else device_map,
            use_safetensors=True,
            attn_implementation=attention,
            ignore_mismatched_sizes=True,  # so that they are named below
            output_loading_info=True,
            **_LOCAL,
        )
    network, report = opened
    wrong = {str(key) for key in report["missing_keys"]} | {str(key[0]) for key in report["mismatched_keys"]}
    if wrong:
        named = sorted(wrong)
        raise ModelError(
            f"{folder} lacks {len(named)} of the model's weights ({', '.join(named[:3])}"
            f"{', …' if len(named) > 3 else ''}), which would be random; every weight must be in the files with"
            " its shape: fetch or save the checkpoint again"
        )
    unused = _of_further_layers(network, report["unexpected_keys"])
    if unused:
        raise ModelError(
            f"{folder} holds {len(unused)} weights of layers that its config.json does not have ({unused[0]}"
            f"{', …' if len(unused) > 1 else ''}): what would be loaded is a smaller model; put the configuration"
            " right, or save the checkpoint again"
        )
    return network


def _of_further_layers(network: Any, unexpected: Iterable[object]) -> list[str]:
    """Of weights that no part of the model takes those that are called like one but for a number.

    Others may be there with good reason: heads of other tasks, buffers that are computed by now, or layers that predict
    several tokens at once, which stand behind the last one and are told of by the configuration.
    """
    config = network.config.get_text_config()
    layers = getattr(config, "num_hidden_layers", 0)
    told = next((n for n in (getattr(config, key, 0) for key in _MORE_TOKENS) if isinstance(n, int) and n), 0)
    known = {_NUMBER.sub("#", name) for name in network.state_dict()}
    found = []
    for name in sorted(map(str, unexpected)):
        number = _NUMBER.search(name)
        if number and _NUMBER.sub("#", name) in known and not layers <= int(number[0]) < layers + told:
            found.append(name)
    return found


def context_of(config: Any) -> int | None:
    """The most tokens that a model takes; None where its configuration does not say."""
    context = getattr(config.get_text_config(), "max_position_embeddings", None)
    return context if isinstance(context, int) and context > 0 else None


@contextmanager
def silent_transformers() -> Iterator[None]:
    """Without transformers' progress bars and loading reports: for whoever says what is wrong in a sentence."""
    told: Any = transformers_logging  # half of it is typed
    bars, verbosity = told.is_progress_bar_enabled(), told.get_verbosity()
    told.disable_progress_bar()
    told.set_verbosity_error()
    try:
        yield
    finally:
        told.set_verbosity(verbosity)
        if bars:
            told.enable_progress_bar()


@contextmanager
def _loading(folder: Path) -> Iterator[None]:
    """Turns whatever transformers raises while it loads something into a ModelError."""
    try:
        yield
    except Exception as error:  # transformers, tokenizers and safetensors errors share no base
        raise ModelError(
            f"{folder} cannot be loaded as a causal language model: {_sentence(error)};"
            " it needs config.json, a tokenizer and whole *.safetensors weights of a model type that this"
            " transformers knows without code of its own: save it again with save_pretrained"
        ) from error


def check_architecture(folder: Path, config: Any) -> None:
    """Raises ModelError for a model that is not decoder-only."""
    architectures = tuple(config.architectures or ())
    named = ", ".join(architectures) or config.model_type
    remedy = "forced choice needs a decoder-only (causal) language model: give another checkpoint"
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError(f"{folder} is an encoder-decoder model ({named}); {remedy}")
    if config.model_type in _ENCODERS and not getattr(config, "is_decoder", False):
        raise ModelError(f"{folder} is an encoder model ({named}); {remedy}")
    if architectures and not any(name.endswith(_CAUSAL_ENDINGS) for name in architectures):
        raise ModelError(
            f"{folder} has the architecture {named}, which is no causal language model; {remedy}"
        )
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ModelError(f"{folder} has the model type {config.model_type!r}, which is not causal; {remedy}")


def _sentence(error: Exception) -> str:
    """The error's kind and the first line of its text, without a full stop."""
    lines = str(error).strip().splitlines()
    first = lines[0].strip().rstrip(".") if lines else ""
    return f"{type(error).__name__}: {first[:300]}" if first else type(error).__name__
