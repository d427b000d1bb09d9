"""Looks at one stranger's checkpoint in a process of its own, bounded in every way, and tells what it found.

    python -m clika.workers.inspection FOLDER [--adapter DIR]

Tokenizer, chat template and architecture are programs that came with the checkpoint: a bomb ends this process and
nothing else. One line of JSON on standard output: ``{"found": …}`` or ``{"refused": {code, cause, remedy}}``.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clika.checkpoints.folder_rules import checked_folder
from clika.errors import CheckpointRefusedError, ClikaError, ModelError
from clika.workers.confinement import answer_alone, bound, cut_off_network, shut_doors, tried

MEMORY_BYTES = 2 << 30
A_TOKENIZER_BYTE = 24
"""Bytes of memory a byte of the tokenizer's files: parsed JSON and its tries are many times larger."""
CPU_SECONDS = 60
QUESTIONS = 4
_REFUSING = ("model", "tokenizer", "weights")


def found_in(folder: Path, adapter: Path | None) -> dict[str, Any]:
    """Facts of a model, and with ``adapter`` whether that fits it. Raises ModelError for what is not taken."""
    from clika.datasets.sample import sample_questions
    from clika.datasets.selection import selected
    from clika.languages import LANGUAGES
    from clika.prompts.templates import Asking, Template
    from clika.scoring.preflight import preflight
    from clika.scoring.preflight_report import Severity

    if adapter is not None:
        return {"adapter": _fitting(folder, adapter)}
    stored = sample_questions()
    datasets = sorted({question.dataset for question in stored})
    questions = selected(stored, datasets, list(LANGUAGES), QUESTIONS)
    asking = Asking(Template.ENGLISH, 1, False, 1)
    report = preflight(
        str(folder), asking.prompts(questions, None), device="cpu", quick=True, letters_after=2
    )
    for finding in report.findings:
        if finding.severity is Severity.REFUSED and str(finding.check) in _REFUSING:
            raise CheckpointRefusedError(
                f"preflight-{finding.check}", finding.sentence, "give another checkpoint"
            )
    english = [question for question in questions if question.language == "en"]
    words = sum(len(f"{one.premise or ''} {one.text} {' '.join(one.choices)}".split()) for one in english)
    facts = report.facts
    return {
        "architecture": facts.architecture,
        "parameters": facts.parameters,
        "dtypes": list(facts.file_dtypes),
        "context": facts.context,
        "vocabulary": facts.vocabulary,
        "tokenizer": facts.tokenizer,
        "letters": [letter.text for letter in facts.letters],
        "tokens_per_word": {
            one.language: round(one.tokens_a_question * len(english) / words, 3) for one in report.languages
        },
        "chat_template": _chat_template(folder, facts.chat_template, questions),
        "findings": list(
            dict.fromkeys(
                finding.sentence
                for finding in report.findings
                if finding.severity is not Severity.NOTE and str(finding.check) != "memory"
            )
        )[:20],
    }


def _chat_template(folder: Path, there: bool | None, questions: Sequence[Any]) -> str:
    """ "none", "works", or why it cannot be used: it must keep question and options and be the same twice."""
    from clika.prompts.templates import Asking, Template
    from clika.scoring.chat_text import chat_text
    from clika.scoring.checkpoint import tokenizer_of

    if not there:
        return "none"
    tokenizer = tokenizer_of(folder)

    class Renderer:
        def chat(self, messages: Sequence[Any]) -> str:
            return chat_text(tokenizer, folder.name, messages)

    try:
        Asking(Template.CHAT, 0, False, 1).prompts(
            [one for one in questions if one.language == "en"], Renderer()
        )
    except ModelError as error:
        return str(error)
    return "works"


def _fitting(folder: Path, adapter: Path) -> dict[str, Any]:
    """Put an adapter on its base without any values. Raises ModelError where keys or shapes do not match."""
    from clika.scoring.adapter import adapter_fingerprint, with_adapter
    from clika.scoring.checkpoint import check_architecture, configuration, network_of, silent_transformers

    checked_folder(adapter)
    with silent_transformers():
        config = configuration(folder)
        check_architecture(folder, config)
        network = network_of(folder, config, "float32", shapes_only=True)
        with_adapter(network, adapter)
    return {"fingerprint": adapter_fingerprint(adapter), "architecture": type(network).__name__}


def told(folder: Path, adapter: Path | None) -> dict[str, Any]:
    """What there is to say, as JSON."""
    try:
        return {"found": found_in(folder, adapter)}
    except CheckpointRefusedError as error:
        return {"refused": {"code": error.code, "cause": error.cause, "remedy": error.remedy}}
    except ClikaError as error:
        code = "adapter-mismatch" if adapter is not None else "not-loadable"
        return {
            "refused": {"code": code, "cause": str(error)[:1000], "remedy": "give files that fit together"}
        }
    except (MemoryError, RecursionError) as error:
        cause = f"the checkpoint's tokenizer, chat template or configuration ended in {type(error).__name__}"
        return {"refused": {"code": "limits", "cause": cause, "remedy": "give the files of a real model"}}
    except Exception as error:  # noqa: BLE001  strangers' files: whatever else they end in is a refusal
        cause = f"looking at the checkpoint ended in {type(error).__name__}: {str(error)[:300]}"
        return {
            "refused": {
                "code": "not-loadable",
                "cause": cause,
                "remedy": "save it again with save_pretrained",
            }
        }


def confined(folder: Path, adapter: Path | None, writable: Path, seconds: int = CPU_SECONDS) -> bytes:
    """Shut this process in for good, look, and say what was found, as JSON."""
    size = sum(path.stat().st_size for path in folder.iterdir() if _is_tokenizers(path.name))
    bound(MEMORY_BYTES + A_TOKENIZER_BYTE * size, seconds, file_bytes=1 << 20)
    shut_doors(str(writable))
    answer = told(folder, adapter)
    if tried and "refused" in answer:
        cause = f"the checkpoint tried {tried[0]}, which was kept from it"
        answer = {"refused": {"code": "door", "cause": cause, "remedy": "do not use this checkpoint"}}
    return json.dumps(answer, ensure_ascii=True).encode()


def load_libraries() -> None:
    """What may be imported no more once the doors are shut, since importing writes and asks."""
    from clika.scoring import adapter, checkpoint, preflight, prompt_findings  # noqa: F401


def main(arguments: Sequence[str]) -> int:
    """Confine this process, look, and tell; returns 0 when it could tell."""
    parser = argparse.ArgumentParser(prog="clika.workers.inspection")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--adapter", type=Path)
    options = parser.parse_args(arguments)
    cut_off_network()
    load_libraries()
    answering = answer_alone()
    os.write(answering, confined(options.folder, options.adapter, Path.cwd()))
    return 0


def _is_tokenizers(name: str) -> bool:
    return "token" in name or name.endswith((".model", ".txt", ".jinja")) or name == "vocab.json"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
