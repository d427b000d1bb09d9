"""The Checkpoints tab: taking a checkpoint in, its card, and asking it beside its base."""

from pathlib import Path
from typing import Any

import gradio as gr

from clika.checkpoints.cards import Card
from clika.checkpoints.folder_rules import Kind
from clika.checkpoints.quarantine import CHECKPOINTS
from clika.checkpoints.registry import Registry, is_hub_id, remove_upload
from clika.database.index import Index
from clika.database.queries import collections
from clika.datasets.sample import SAMPLE_COLLECTION
from clika.errors import ClikaError, UsageError
from clika.jobs.queue import submitted
from clika.question_sources import QuestionSource, keep_questions, sample_source, stored_source
from clika.settings import Settings
from clika.ui import markup
from clika.ui.checkpoint_evaluation import pair_look, pair_of_jobs
from clika.ui.doors import is_loopback
from clika.ui.listeners import LOOK, spoken

NO_BASE = ""
MOST_TEXT = 4096
_ADDING = {"concurrency_limit": 2, "show_progress": "full", "api_visibility": "private"}
_GIVEN = 5  # fields of the form
_ALONE = (
    "Nothing that it was made of is in this store: it has no base to be asked beside. New run asks it alone."
)


class CheckpointsTab:
    """The parts of the tab, drawn into the open Blocks.

    A folder is registered from anywhere where the page is this machine's alone and no roots are configured, else below
    the roots.
    """

    def __init__(self, index: Index, settings: Settings) -> None:
        self._index = index
        self._settings = settings
        roots = settings.roots or (
            () if is_loopback(settings.host) else (settings.store / CHECKPOINTS / "folders",)
        )
        self._registry = Registry(settings.store, roots)
        self._draw()
        self._connect()

    def _draw(self) -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=300, elem_classes="clika-way", elem_id="add-checkpoint"):
                gr.Markdown("## Add a checkpoint")
                self.files = gr.File(
                    label="An archive (.zip, .tar, .tar.gz, .tar.zst), or all its files",
                    file_count="multiple",
                    type="filepath",
                    elem_id="checkpoint-files",
                )
                self.place = gr.Textbox(
                    label="Or a folder of this machine, or a Hub id", max_lines=1, elem_id="checkpoint-place"
                )
                self.name = gr.Textbox(
                    label="Name to show", info="Empty: the last part.", max_lines=1, elem_id="checkpoint-name"
                )
                self.base = gr.Dropdown(
                    [("none", NO_BASE)],
                    value=NO_BASE,
                    label="Base",
                    info="An adapter needs the model it is put on; it is not taken from its files.",
                    filterable=False,
                    elem_id="checkpoint-base",
                )
                self.revision = gr.Textbox(
                    label="Revision of a Hub id",
                    info="Empty: main.",
                    max_lines=1,
                    elem_id="checkpoint-revision",
                )
                self.add = gr.Button("Check and add", variant="primary", elem_id="checkpoint-add")
                self.said = gr.HTML(apply_default_css=False, elem_id="checkpoint-said")
            with gr.Column(scale=3, min_width=300):
                self.chosen = gr.Dropdown(
                    [], value=None, label="Checkpoints of this store", elem_id="checkpoints"
                )
                self.card = gr.HTML(apply_default_css=False, elem_id="checkpoint-card")
                self.source = gr.Dropdown(
                    [("Bundled sample", SAMPLE_COLLECTION)],
                    value=SAMPLE_COLLECTION,
                    label="Questions",
                    filterable=False,
                    elem_id="checkpoint-source",
                )
                self.whole = gr.Checkbox(label="All questions, not 20 a data set", elem_id="checkpoint-whole")
                with gr.Row():
                    self.evaluate = gr.Button(
                        "Evaluate against its base", interactive=False, elem_id="checkpoint-evaluate"
                    )
                    self.remove = gr.Button("Remove", interactive=False, elem_id="checkpoint-remove")
                self.pair = gr.State([])
                self.state = gr.HTML(apply_default_css=False, elem_id="checkpoint-pair")
        self.timer = gr.Timer(1.0, active=False)

    @property
    def offers(self) -> list[gr.components.Component]:
        """What ``offered`` draws, in its order."""
        return [self.base, self.chosen, self.card, self.evaluate, self.remove, self.source]

    def _connect(self) -> None:
        given = [self.files, self.place, self.name, self.base, self.revision]
        self.add.click(
            self._add,
            given,
            [*given, self.said, *self.offers],
            show_progress_on=self.said,
            **_ADDING,  # type: ignore[arg-type]
        )
        self.chosen.input(self._shown, self.chosen, [self.card, self.evaluate, self.remove], **LOOK)
        self.remove.click(self._remove, self.chosen, self.offers, **LOOK)
        started = [self.pair, self.state, self.timer]
        self.evaluate.click(self._evaluate, [self.chosen, self.source, self.whole], started, **LOOK)
        self.timer.tick(self._looked, self.pair, [self.state, self.timer], **LOOK)

    def offered(self, chosen: object = None) -> list[object]:
        """The store's checkpoints and sources; ``chosen`` stays where it is still there."""
        cards = self._registry.cards()
        names = [(f"{card.name} ({card.id})", card.id) for card in cards]
        bases = [(f"{card.name} ({card.id})", card.id) for card in cards if card.kind is Kind.MODEL]
        known = {card.id for card in cards}
        stays = chosen if isinstance(chosen, str) and chosen in known else (cards[0].id if cards else None)
        stored = [(name, name) for name in collections(self._index) if name != SAMPLE_COLLECTION]
        return [
            gr.update(choices=[("none", NO_BASE), *bases]),
            gr.update(choices=names, value=stays),
            *self._shown(stays),
            gr.update(choices=[("Bundled sample", SAMPLE_COLLECTION), *stored]),
        ]

    @spoken
    def _shown(self, chosen: object) -> list[object]:
        card = self._registry.found(chosen) if isinstance(chosen, str) else None
        if card is None:
            empty = markup.paragraph(
                "No checkpoint yet. Add one here, or 'checkpoints add' does.", "clika-empty"
            )
            return [empty, gr.update(interactive=False), gr.update(interactive=False)]
        writes = not self._settings.read_only
        has_base = self._registry.baseline(card) is not None
        alone = markup.paragraph(_ALONE, "clika-empty") if writes and not has_base else markup.NOTHING
        said = markup.joined([card_html(card), alone])
        return [said, gr.update(interactive=has_base and writes), gr.update(interactive=writes)]

    def _add(self, files: Any, place: object, name: object, base: object, revision: object) -> list[object]:
        paths = [Path(str(path)) for path in files or ()]
        try:
            self._refuse_unless_writable()
            card = self._added(paths, _text(place), _text(name), _text(base), _text(revision))
        except ClikaError as error:  # beside the form, which stays as it was but for files: they are gone
            said = markup.notices([str(error)])
            return [None, *[gr.skip()] * (_GIVEN - 1), said, *[gr.skip()] * len(self.offers)]
        finally:
            for path in paths:
                remove_upload(path)
        added = markup.paragraph(f"{card.name} is checked and added as {card.id}.")
        return [None, "", "", NO_BASE, "", added, *self.offered(card.id)]

    def _added(self, paths: list[Path], place: str, name: str, base: str, revision: str) -> Card:
        if bool(paths) == bool(place):
            raise UsageError("give files, or a folder or Hub id: one of the two")
        if paths:
            shown = name or paths[0].name.split(".")[0]
            return self._registry.add_upload([(path.name, path) for path in paths], shown, base or None)
        if (
            Path(place).expanduser().is_dir()
            or place.startswith(("/", "./", "../", "~"))
            or not is_hub_id(place)
        ):
            return self._registry.add_folder(Path(place), name or None, base or None)
        return self._registry.add_hub(place, revision or None, Settings.hub_token(), name or None)

    @spoken
    def _remove(self, chosen: object) -> list[object]:
        self._refuse_unless_writable()
        card = self._registry.remove(_text(chosen))
        gr.Info(markup.toast(f"{card.name} is removed."))
        return self.offered()

    @spoken
    def _evaluate(self, chosen: object, source: object, whole: object) -> list[object]:
        """Queue both jobs; a job that was done already stays done."""
        self._refuse_unless_writable()
        card = self._registry.card(_text(chosen))
        asked = self._source(_text(source))
        jobs = pair_of_jobs(self._registry, card, asked, whole is True)
        keep_questions(self._settings.store, asked)
        pair = [submitted(self._settings.store, job).job_id for job in jobs]
        look = pair_look(self._settings.store, pair)
        return [pair, look.html, gr.Timer(active=not look.over)]

    def _source(self, name: str) -> QuestionSource:
        if name == SAMPLE_COLLECTION:
            return sample_source()
        if name not in collections(self._index):
            raise UsageError(f"no collection {name[:80]!r} in this store; choose one of those offered")
        return stored_source(self._settings.store, name)

    def _looked(self, pair: object) -> list[object]:
        look = pair_look(self._settings.store, pair)
        return [look.html, gr.Timer(active=not look.over)]

    def _refuse_unless_writable(self) -> None:
        if self._settings.read_only:
            raise UsageError("this page only shows; run CLiKA on a machine of your own to add checkpoints")


def registered_models(store: Path) -> list[tuple[str, str]]:
    """(label, folder) of the registered checkpoints that are whole models, the newest first."""
    cards = Registry(store).cards()
    return [(f"{card.name} · registered", card.files) for card in cards if card.kind is Kind.MODEL]


def card_html(card: Card) -> markup.Html:
    """A card, and what an evaluation would stumble over."""
    listed = markup.definitions(card.pairs())
    known = markup.notices(card.findings) if card.findings else markup.NOTHING
    heading = markup.tag("h2", markup.tag("bdi", markup.text(card.name)))
    return markup.tag("div", heading, listed, known, class_="clika-heading")


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise UsageError(f"a field holds {str(value)[:60]!r}; write a text of at most {MOST_TEXT} characters")
    return value.strip()
