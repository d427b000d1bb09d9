"""Asking a model what it learnt of a fictional world: before, during and after its tuning alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from clika.conductivity.name_matching import named, same_name
from clika.conductivity.world_questions import translation_id, world_questions
from clika.datasets.fictional_items import RelationItem, items
from clika.datasets.fictional_samples import TranslationDirection
from clika.datasets.fictional_world import World
from clika.metrics.conductivity import ConductivityMeasure, conductivity_measure, matrices_of
from clika.records import FictionalSet, Outcome, Prediction, Question, ScoringRule
from clika.scoring.candidates import CandidateItem, CandidateScorer, Generator, WrittenItem

PromptOf = Callable[[str, str | None], str]
"""(instruction, the text that it is about or None) -> all that a model sees before its answer, as it was taught."""


@dataclass(frozen=True, slots=True)
class WorldAnswers:
    """What was asked for one language X, what came back, and the ids of the places that were left out."""

    language: str
    questions: tuple[Question, ...]
    predictions: tuple[Prediction, ...]
    left_out: tuple[str, ...]

    def measure(self) -> ConductivityMeasure:
        """XRR, gates, places and confusion."""
        matrices = matrices_of("", self.questions, self.predictions)
        return conductivity_measure(matrices, self.language, self.left_out)


def measured(
    world: World,
    language: str,
    candidate_scorer: CandidateScorer,
    generator: Generator,
    prompt_of: PromptOf,
    *,
    directions: tuple[TranslationDirection, ...] = (TranslationDirection.EN_X,),
    holds_special_tokens: bool = False,
) -> ConductivityMeasure:
    """``world_answers``, measured, for whoever stores nothing."""
    return world_answers(
        world,
        language,
        candidate_scorer,
        generator,
        prompt_of,
        directions=directions,
        holds_special_tokens=holds_special_tokens,
    ).measure()


def world_answers(
    world: World,
    language: str,
    candidate_scorer: CandidateScorer,
    generator: Generator,
    prompt_of: PromptOf,
    *,
    run: str = "",
    directions: tuple[TranslationDirection, ...] = (TranslationDirection.EN_X,),
    holds_special_tokens: bool = False,
    on_answer: Callable[[], None] = lambda: None,
) -> WorldAnswers:
    """Ask both halves in English and in X, by forced choice and in writing, and the translations in writing.

    ``directions`` are those that were taught. ``holds_special_tokens``: ``prompt_of`` gives a chat's text, with the
    special tokens written in it. ``run`` is whose predictions they become. ``on_answer`` is called after each of them:
    nothing is returned before the last. Raises UsageError for a language that the world has no names in or a world
    too large to store, and ModelError as the model does.
    """
    asked = items(world, language, directions)
    questions = world_questions(world, asked)
    held_out, taught = (
        (*asked.held_out_english, *asked.held_out),
        (*asked.taught_english, *asked.taught),
    )
    places = [(FictionalSet.HELD_OUT, item) for item in held_out]
    places += [(FictionalSet.TAUGHT, item) for item in taught]
    predictions = []
    for prediction in _chosen(run, places, candidate_scorer, prompt_of, holds_special_tokens):
        predictions.append(prediction)
        on_answer()
    written = [(FictionalSet.HELD_OUT_WRITTEN, item) for item in held_out]
    written += [(FictionalSet.TAUGHT_WRITTEN, item) for item in taught]
    texts = [
        WrittenItem(
            prompt_of(item.instruction, None),
            item.before + max(item.endings, key=len),
            holds_special_tokens,
        )
        for _, item in written
    ]
    # Names are much shorter than sentences, so that the two are written apart.
    names = [
        WrittenItem(prompt_of(sample.instruction, sample.input), sample.answer, holds_special_tokens)
        for sample in asked.translations
    ]
    own_names = {place.place_id: place.names for place in world.places}
    for one in generator.written(texts):
        dataset, item = written[one.item_index]
        found = None
        if one.text is not None:
            found = named(one.text, item.candidates, own_names[item.place_id][item.language])
        predictions.append(_written(run, dataset, item.place_id, item.language, one.text, found))
        on_answer()
    for one in generator.written(names):
        sample = asked.translations[one.item_index]
        right = one.text is not None and same_name(one.text, sample.answer)
        predictions.append(
            _written(
                run,
                FictionalSet.TRANSLATION,
                translation_id(sample),
                sample.language,
                one.text,
                0 if right else None,
            )
        )
        on_answer()
    return WorldAnswers(language, questions, tuple(predictions), asked.left_out)


def _chosen(
    run: str,
    places: Sequence[tuple[FictionalSet, RelationItem]],
    scorer: CandidateScorer,
    prompt_of: PromptOf,
    holds_special_tokens: bool,
) -> Iterator[Prediction]:
    asked = [
        CandidateItem(prompt_of(item.instruction, None), item.before, item.endings, holds_special_tokens)
        for _, item in places
    ]
    for one in scorer.candidate_scores(asked):
        dataset, item = places[one.item_index]
        chosen = one.chosen_index
        yield Prediction(
            run,
            dataset.value,
            item.place_id,
            item.language,
            Outcome.INVALID if chosen is None else Outcome.ANSWERED,
            chosen,
            {} if chosen is None else {ScoringRule.OPTION: one.scores},
        )


def _written(
    run: str, dataset: FictionalSet, question_id: str, language: str, text: str | None, found: int | None
) -> Prediction:
    """``text`` is None after NaN logits, ``found`` where it names no candidate or several."""
    outcome = Outcome.UNPARSEABLE if found is None else Outcome.ANSWERED
    if text is None:
        outcome = Outcome.INVALID
    return Prediction(run, dataset.value, question_id, language, outcome, found, raw_text=text)
