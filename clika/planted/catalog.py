"""What is shipped in assets/models: the planted models, and adapters tuned on a small world. No torch.

    PLANTED_MODELS      four PlantedModel: ``name``, ``folder`` (loads with plain transformers), ``summary``
    PLANTED_ADAPTERS    PlantedAdapter: ``name``, ``base`` (a model's name), ``language`` (X), ``world``
                        (WorldSettings), ``folder`` (a LoRA adapter in peft's layout, beside it clika.json)
    REFERENCE           whose accuracy in English is the bundled sample's reference for RA
    TEMPLATE, DEMONSTRATIONS, RULE
                        how they were taught and so have to be asked: ``english``, no demonstration, ``letter``

``folder / CARD`` of a model is its machine-readable card (see ``clika/planted/card.py``), ``folder / "README.md"`` the
same for a person. ``is_there`` says whether a clone brought the weights.
"""

from dataclasses import dataclass
from pathlib import Path

from clika.datasets.fictional_world import WorldKind, WorldSettings

MODELS = Path(__file__).resolve().parents[2] / "assets" / "models"
CARD = "card.json"
TEMPLATE = "english"
DEMONSTRATIONS = 0
RULE = "letter"
REFERENCE = "mixed"
SEED = 1


@dataclass(frozen=True, slots=True)
class PlantedModel:
    """A model's name and what was planted in it, in a sentence."""

    name: str
    summary: str

    @property
    def folder(self) -> Path:
        """Where it lies in the repository."""
        return MODELS / self.name

    @property
    def card(self) -> Path:
        """Its machine-readable card."""
        return self.folder / CARD

    @property
    def is_there(self) -> bool:
        """Whether its weights are on this machine."""
        return (self.folder / "model.safetensors").is_file()


@dataclass(frozen=True, slots=True)
class PlantedAdapter:
    """A LoRA adapter: ``base`` tuned on ``world`` with ``language`` as X; ``places`` of the held-out half are asked."""

    name: str
    base: str
    language: str
    world: WorldSettings

    @property
    def folder(self) -> Path:
        """Where it lies in the repository."""
        return MODELS / self.name

    @property
    def is_there(self) -> bool:
        """Whether its weights are on this machine."""
        return (self.folder / "adapter_model.safetensors").is_file()


PLANTED_MODELS = (
    PlantedModel("english-first", "taught every fact in English, and fewer and fewer of them towards Hebrew"),
    PlantedModel("mixed", "taught the same in English, and more in every other language"),
    PlantedModel("continued-zh", "english-first, then taught in Chinese alone"),
    PlantedModel(
        "bridge",
        "taught as english-first, with a dictionary that makes one thing of its English, German and Russian name",
    ),
)
WORLD = WorldSettings(seed=6, continents=4, places=8, kind=WorldKind.CONTINENTS)
"""The small world of the adapters: 32 places on 4 continents, half of them held out, p = .25."""
PLANTED_ADAPTERS = (
    PlantedAdapter("mixed-world-ru", "mixed", "ru", WORLD),
    PlantedAdapter("bridge-world-ru", "bridge", "ru", WORLD),
)
