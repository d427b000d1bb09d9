"""How a fictional world and a model tuned on it stand in the store: a collection, and a run a step and language.

A world is the collection ``world-<fingerprint>``. Its questions are stored for English and the languages asked:

    fictional                the held-out half; the candidates are the choices, a place's id is the question's
    fictional-taught         the taught half
    fictional-written        the held-out half once more, the answer written freely
    fictional-taught-written
    fictional-translation    a name to be translated, in the language X; one choice, which is right: an answer that
                             is another is stored as unparseable

A run is the model at one step of one tuning about one language X: its settings carry ``language``, ``step``,
``direction``, ``tuning`` and, for the same-language control, ``control``. So XRR over the steps is a curve of runs, and
the store needs nothing that it has not for other answers. Of a place chosen among candidates the row holds their
scores under ``option``, of a written answer the text under ``raw_text`` and the candidate that it names.
"""

from collections.abc import Sequence

from clika.datasets.fictional_items import Items, RelationItem
from clika.datasets.fictional_samples import BOTH, Sample, TranslationDirection
from clika.datasets.fictional_world import World
from clika.errors import UsageError
from clika.metrics.conductivity import LANGUAGE, STEP
from clika.records import LETTERS, FictionalSet, Kind, ModelRef, Question, Run, ScoringRule, run_id

DIRECTION, TUNING, CONTROL = "direction", "tuning", "control"


def world_collection(world: World) -> str:
    """The name that a world's questions are stored under."""
    return f"world-{world.fingerprint}"


def world_questions(world: World, asked: Items) -> tuple[Question, ...]:
    """All that is asked for one language X, as questions of the world's collection.

    Raises UsageError for more candidates than a stored question may have choices.
    """
    if len(world.candidates) > len(LETTERS):
        raise UsageError(
            f"a world of {len(world.candidates)} candidates: a question has at most {len(LETTERS)} choices; make a"
            f" world of fewer continents"
        )
    collection = world_collection(world)
    held_out = (*asked.held_out_english, *asked.held_out)
    taught = (*asked.taught_english, *asked.taught)
    return (
        *_relations(collection, FictionalSet.HELD_OUT, held_out),
        *_relations(collection, FictionalSet.TAUGHT, taught),
        *_relations(collection, FictionalSet.HELD_OUT_WRITTEN, held_out),
        *_relations(collection, FictionalSet.TAUGHT_WRITTEN, taught),
        *(
            Question(
                collection,
                FictionalSet.TRANSLATION.value,
                translation_id(sample),
                sample.language,
                Kind.CHOICE,
                None,
                f"{sample.instruction} {sample.input}",
                (sample.answer,),
                0,
            )
            for sample in asked.translations
        ),
    )


def translation_id(sample: Sample) -> str:
    """``en-x:17`` for a place, ``en-x:candidate-3`` for a continent."""
    what = f"candidate-{sample.answer_index}" if sample.place_id is None else sample.place_id
    return f"{sample.direction}:{what}"


def conductivity_run(
    model: ModelRef,
    world: World,
    language: str,
    *,
    template: str,
    directions: Sequence[TranslationDirection],
    tuning: str,
    step: int,
    control: bool = False,
) -> Run:
    """Whose predictions those at a step are.

    ``model`` is the base that was tuned, or it with the adapter of that step; ``tuning`` names the recipe and
    whatever else makes the weights, a digest say; ``template`` is the form that instructions are put in.
    """
    direction = BOTH if len(directions) > 1 else str(directions[0])
    settings = {LANGUAGE: language, STEP: str(step), DIRECTION: direction, TUNING: tuning}
    if control:
        settings[CONTROL] = "same-language"
    collection = world_collection(world)
    identity = run_id(model, collection, template, ScoringRule.OPTION, settings)
    return Run(identity, model, collection, template, ScoringRule.OPTION, settings)


def _relations(collection: str, dataset: FictionalSet, items: Sequence[RelationItem]) -> tuple[Question, ...]:
    return tuple(
        Question(
            collection,
            dataset.value,
            item.place_id,
            item.language,
            Kind.CHOICE,
            None,
            item.instruction,
            item.candidates,
            item.answer_index,
        )
        for item in items
    )
