"""Random-initialised Llamas with a tokenizer trained on the spot: checkpoints of any size without a download.

Speed does not depend on what a model knows. With the usual narrow weights the last token, the same in all
prompts, decides alone and every choice is one letter; here attention is sharp (wide queries and keys), so that
choices vary with the prompt, and letters are not so nearly tied that rounding in float32 decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

_SHARPNESS = 1.5


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama's sizes; ``tied`` says that the head is the embedding."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int = 32_000
    tied: bool = True

    @property
    def layer_weights(self) -> int:
        """Weights of one layer's linear maps: a token costs two floating-point operations each."""
        return 4 * self.hidden**2 + 3 * self.hidden * self.intermediate

    @property
    def parameters(self) -> int:
        """All weights that count, norms left out."""
        embeddings = self.hidden * self.vocabulary * (1 if self.tied else 2)
        return self.layers * self.layer_weights + embeddings

    def linears(self) -> list[tuple[int, int]]:
        """(outputs, inputs) of each linear map in one layer."""
        attention = [(self.hidden, self.hidden)] * 4
        return [*attention, *[(self.intermediate, self.hidden)] * 2, (self.hidden, self.intermediate)]


SHAPES = {
    "tiny": Shape(64, 2, 2, 128, vocabulary=2_000),
    "29": Shape(384, 8, 6, 1280),
    "148": Shape(768, 12, 12, 3456),
    "7b": Shape(4096, 32, 32, 11008, tied=False),
}


def trained_tokenizer(texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE of at most ``vocabulary`` tokens, trained on ``texts``; it adds no special token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def random_llama(
    shape: Shape, seed: int = 0, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> LlamaForCausalLM:
    """A model made on ``device`` in ``dtype``, in evaluation mode."""
    config = LlamaConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        intermediate_size=shape.intermediate,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=2048,
        initializer_range=0.05,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=None,
        attn_implementation="sdpa",
    )
    torch.manual_seed(seed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = LlamaForCausalLM(config)
            with torch.no_grad():
                for layer in model.model.layers:
                    for name, linear in layer.named_modules():
                        if isinstance(linear, torch.nn.Linear):
                            gain = _SHARPNESS if name.endswith(("q_proj", "k_proj")) else 1.0
                            linear.weight.normal_(std=gain / linear.in_features**0.5)
    finally:
        torch.set_default_dtype(before)
    return model.eval()


def saved_llama(folder: Path, shape: Shape, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A float32 checkpoint with its tokenizer in ``folder``, which is returned."""
    random_llama(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
