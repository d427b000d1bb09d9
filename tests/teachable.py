"""A small Llama made from scratch that can be taught a small world on a CPU within seconds."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from clika.datasets.fictional_samples import samples
from clika.datasets.fictional_world import WorldSettings, made_world
from clika.datasets.sample import read_sample
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text

VOCABULARY = 600
CONTINENTS, PLACES = 4, 6
"""24 places, 12 of them held out: (24 + 4) x 10 + 24 x 10 + 12 x 10 = 640 samples, 40 steps of 16 an epoch."""


def teachable_llama(folder: Path, language: str = "de", seed: int = 0) -> Path:
    """120,000 random parameters in ``folder``, which is returned; its tokens are of the texts that it will be taught."""
    world = made_world(WorldSettings(0, CONTINENTS, PLACES), read_sample().place_names)
    texts = [
        instruction_prompt(InstructionForm.ALPACA, instruction_text(sample.instruction, sample.input))
        + sample.answer
        for sample in samples(world, language)
    ]
    words = _tokenizer(texts)
    config: Any = AutoConfig.for_model(
        "llama",
        vocab_size=len(words),
        pad_token_id=None,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=128,
        max_position_embeddings=256,
        initializer_range=0.05,
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def _tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
