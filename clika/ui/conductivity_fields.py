"""The form of the Conductivity tab: model, languages, recipe, world, and what is folded away."""

from collections.abc import Sequence
from dataclasses import fields

import gradio as gr

from clika.datasets.fictional_world import NameStyle
from clika.jobs.spec import DEVICES
from clika.languages import ENGLISH, LANGUAGES
from clika.training.recipe import Precision, Recipe, Schedule, Tuning
from clika.ui.conductivity_form import CITIES, CONTINENTS, ConductivityForm

_TUNINGS = {
    Tuning.LORA_ATTENTION: "LoRA on attention (the paper's)",
    Tuning.LORA_ALL: "LoRA on all linear layers",
    Tuning.FULL: "Full fine-tuning",
}
_DIRECTIONS = {"en-x": "English → X (the paper's)", "x-en": "X → English", "both": "both"}


class ConductivityFields:
    """The form's parts, drawn into the open Blocks; their names are those of ConductivityForm's fields."""

    def __init__(self, models: Sequence[str], collections: Sequence[str]) -> None:
        self._standard = ConductivityForm()
        self._draw_model(models)
        self._draw_world()
        with gr.Accordion("Advanced settings", open=False, elem_id="conductivity-advanced"):
            self._draw_advanced(collections)

    @property
    def all(self) -> list[gr.components.Component]:
        """The form, in the order of ConductivityForm's fields."""
        return [getattr(self, field.name) for field in fields(ConductivityForm)]

    def _value(self, name: str) -> object:
        return getattr(self._standard, name)

    def _number(self, name: str, label: str, info: str | None = None, whole: bool = True) -> gr.Number:
        return gr.Number(
            self._value(name),  # type: ignore[arg-type]  # the form's own defaults
            label=label,
            info=info,
            precision=0 if whole else None,
            min_width=130,
            elem_id=f"conductivity-{name.replace('_', '-')}",
        )

    def _draw_model(self, models: Sequence[str]) -> None:
        self.model = gr.Dropdown(
            list(models),
            value="",
            allow_custom_value=True,
            label="Model",
            info="A checkpoint's folder or a Hub id such as owner/name.",
            elem_id="conductivity-model",
        )
        self.languages = gr.CheckboxGroup(
            [(language.name, code) for code, language in LANGUAGES.items() if code != ENGLISH],
            value=["de"],
            label="Languages",
            info="Each is a tuning of its own, one after the other.",
            elem_id="conductivity-languages",
        )
        self.tuning = gr.Radio(
            [(label, str(name)) for name, label in _TUNINGS.items()],
            value=str(Recipe().tuning),
            label="Tuning",
            elem_id="conductivity-tuning",
        )
        with gr.Row():
            self.epochs = self._number("epochs", "Epochs")
            self.until_gates = self._number(
                "until_gates", "Until the gates hold", "At most so many epochs; 0: no."
            )
            self.looks = self._number("looks", "Looks on the way", "Beside before and after.")

    def _draw_world(self) -> None:
        with gr.Row():
            self.seed = self._number("seed", "World's seed", "Another seed, a fresh world.")
            self.style = gr.Dropdown(
                [str(style) for style in NameStyle],
                value=str(NameStyle.COINED),
                label="Names",
                filterable=False,
                min_width=130,
            )
            self.kind = gr.Dropdown(
                [("places on continents", CONTINENTS), ("cities and their years", CITIES)],
                value=CONTINENTS,
                label="Facts",
                filterable=False,
                min_width=190,
            )
        with gr.Row():
            self.direction = gr.Radio(
                [(label, name) for name, label in _DIRECTIONS.items()],
                value="en-x",
                label="Names are translated",
                elem_id="conductivity-direction",
            )

    def _draw_advanced(self, collections: Sequence[str]) -> None:
        with gr.Row():
            self.continents = self._number("continents", "Continents")
            self.places = self._number("places", "Places on each")
        self.world_folder = gr.Textbox(
            label="World from a folder",
            info="In the release's layout. Empty: made from the seed.",
            elem_id="conductivity-world-folder",
        )
        self.control = gr.Checkbox(
            label="Control: teach the held-out half in the language too",
            info="What is then answered is what the model can learn at all.",
            elem_id="conductivity-control",
        )
        self.side_effects = gr.Dropdown(
            side_effect_choices(collections),
            value="",
            label="Side effects",
            info="Ask these stored questions before and after, too.",
            elem_id="conductivity-side-effects",
        )
        self.name = gr.Textbox(label="Name to show", info="Empty: the folder's or id's last part.")
        with gr.Row():
            self.rank = self._number("rank", "LoRA rank")
            self.alpha = self._number("alpha", "LoRA alpha", whole=False)
            self.dropout = self._number("dropout", "LoRA dropout", whole=False)
        with gr.Row():
            self.learning_rate = gr.Textbox(
                label="Learning rate",
                placeholder="2e-4, full 2e-5",
                info="Empty: the paper's.",
                min_width=130,
                elem_id="conductivity-learning-rate",
            )
            self.schedule = gr.Dropdown(
                [str(one) for one in Schedule],
                value=str(Recipe().schedule),
                label="Schedule",
                filterable=False,
                min_width=130,
            )
            self.batch_size = self._number("batch_size", "Samples a step")
        with gr.Row():
            self.precision = gr.Dropdown(
                [str(one) for one in Precision],
                value=str(Recipe().precision),
                label="Precision",
                filterable=False,
                min_width=130,
            )
            self.recipe_seed = self._number("recipe_seed", "Seed of samples' order")
            self.gradient_checkpointing = gr.Checkbox(label="Gradient checkpointing", min_width=130)
        with gr.Row():
            self.device = gr.Dropdown(
                list(DEVICES), value="auto", label="Device", filterable=False, min_width=130
            )
            self.processes = self._number("processes", "Devices that share a step")


def side_effect_choices(collections: Sequence[str]) -> list[tuple[str, str]]:
    """None, or a collection of the store that is no fictional world."""
    return [("none", ""), *((name, name) for name in collections if not name.startswith("world-"))]
