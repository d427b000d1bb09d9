"""A fictional world written in the layout of the authors' release, so that whoever reads that can read this."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import orjson

from clika.datasets.fictional_items import items
from clika.datasets.fictional_release import MARKS, asked_file, gate_file, train_file
from clika.datasets.fictional_samples import TranslationDirection, relation_templates, samples
from clika.datasets.fictional_world import World
from clika.errors import DataError, UsageError
from clika.languages import ENGLISH


def write_world(
    world: World,
    folder: Path,
    directions: tuple[TranslationDirection, ...] = (TranslationDirection.EN_X,),
) -> int:
    """Write a world's training sets and tests; returns the number of files.

    ``folder`` comes to be as a whole or not at all. Raises UsageError where it holds something already,
    DataError where it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{str(folder)!r} is not empty; give a new folder, a world is never written over one"
        )
    folder = folder.resolve()
    made = folder.parent / f".{folder.name}.unfinished"
    try:
        shutil.rmtree(made, ignore_errors=True)
        files = 0
        for language in world.languages:
            _write(made / asked_file(language), _asked(world, language))
            files += 1
            if language != ENGLISH:
                taught = samples(world, language, directions)
                _write(
                    made / train_file(language),
                    (_row(s.instruction, s.input or "", s.answer) for s in taught),
                )
                gate = items(world, language, directions).translations
                _write(
                    made / gate_file(language), (_row(s.instruction, s.input or "", s.answer) for s in gate)
                )
                files += 2
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    except OSError as error:
        raise DataError(f"cannot write {folder}: {error.strerror}; choose another place") from error
    return files


def _asked(world: World, language: str) -> Iterable[dict[str, str]]:
    """The first wording of every relation, with the marks that say what is right."""
    template = relation_templates(world.kind, language)[0]
    for place in world.places:
        name, answer = place.names[language], world.candidates[place.answer_index][language]
        marks = f"[[{MARKS[world.kind]}:{answer}]][[city:{name}]][[type:{0 if place.taught else 1}]]"
        yield _row(template.asked(name), "", "".join(template.answered(name, answer)) + marks)


def _row(prompt: str, text: str, answer: str) -> dict[str, str]:
    return {"prompt": prompt, "input": text, "answer": answer}


def _write(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
