"""Preflight: every fault is provoked by a real tiny model, named with its language, and refused by a run alike."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from clika.errors import ModelError, UsageError
from clika.prompts.templates import Asking, Template, prompts
from clika.records import Prompt
from clika.scoring.preflight import preflight
from clika.scoring.preflight_report import Check, Finding, Preflight, Severity, as_table
from clika.scoring.transformers_scorer import TransformersScorer
from tests.models import FAMILIES, TinyTokenizer, tiny_gpt2, tiny_llama, tiny_model, tiny_tokenizer
from tests.releases import always_right, write_release
from tests.scoring.asking import asked
from tests.stores import made_up_questions, seal_questions


def written(texts: Sequence[str], languages: Sequence[str] = ("en",)) -> list[Prompt]:
    """Prompts of given texts, two letters each, the same texts in every language."""
    questions = made_up_questions(count=len(texts), languages=languages, choices=2)
    given = [replace(question, source_prompt=texts[int(question.question_id)]) for question in questions]
    return prompts(given, Template.RELEASED)


def looked(folder: Path, given: Sequence[Prompt] | None = None, quick: bool = False) -> Preflight:
    return preflight(str(folder), asked(2) if given is None else given, device="cpu", quick=quick)


def of(found: Preflight, check: Check, severity: Severity = Severity.REFUSED) -> list[Finding]:
    return [finding for finding in found.findings if (finding.check, finding.severity) == (check, severity)]


def refusals(found: Preflight) -> list[Finding]:
    return [finding for finding in found.findings if finding.severity is Severity.REFUSED]


def rewritten(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "sound", tokenizer=TinyTokenizer.BOS)


def test_a_sound_model_is_refused_nothing_and_described(sound: Path) -> None:
    found = looked(sound)
    assert refusals(found) == []
    assert not found.refused
    facts = found.facts
    weights = load_file(sound / "model.safetensors")
    assert facts.parameters == sum(weight.numel() for weight in weights.values())
    assert facts.float32_bytes == 4 * facts.parameters
    assert (facts.model, facts.architecture, facts.file_dtypes) == ("sound", "LlamaForCausalLM", ("F32",))
    assert (facts.context, facts.join, facts.adds_bos, facts.fits) == (1024, "none", True, True)
    assert facts.vocabulary == facts.embedding_rows == len(tiny_tokenizer())
    assert [token.text for token in facts.letters] == list("ABCDE")
    assert [cut.language for cut in found.languages] == ["en", "he"]
    assert found.asked == 2 * 3  # the shortest, the middle and the longest prompt of each language


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_compared_by_its_weights_names_without_reading_them(
    family: str, tmp_path: Path
) -> None:
    found = looked(tiny_model(tmp_path / family, family), quick=True)
    assert refusals(found) == []
    assert found.facts.parameters == sum(
        weight.numel() for weight in _network(tmp_path / family).parameters()
    )
    assert found.asked == 0


def _network(folder: Path) -> torch.nn.Module:
    from clika.scoring.checkpoint import loaded

    network: torch.nn.Module = loaded(folder, "float32")[0]
    return network


def test_a_tokenizers_numbers_are_those_of_the_questions_own_words(sound: Path) -> None:
    given = prompts(made_up_questions(count=1, languages=("en",), choices=2), Template.ENGLISH)
    (cut,) = looked(sound, given, quick=True).languages
    tokenizer = tiny_tokenizer()
    words = "xgeo question 0 in en?\nen option a\nen option b"
    count = len(tokenizer(words)["input_ids"])  # this one adds no BOS, which does not count
    assert (cut.prompts, cut.tokens_a_question, cut.unknown_share) == (1, count, 0.0)
    assert cut.bytes_a_token == len(words) / count
    assert cut.longest == cut.tokens_a_prompt == 1 + len(tokenizer(given[0].text)["input_ids"])


def test_letters_that_merge_with_the_colon_are_read_after_a_blank_and_noted(tmp_path: Path) -> None:
    found = looked(tiny_llama(tmp_path, tokenizer=TinyTokenizer.MERGING), written(["x\nAnswer:"]))
    assert refusals(found) == []
    (note,) = of(found, Check.JOIN, Severity.NOTE)
    assert "(':' + 'A' becomes ':A'); letters are read after a blank instead ('ĠA')" in note.sentence
    assert (found.facts.join, [token.text for token in found.facts.letters]) == ("space", ["ĠA", "ĠB"])


def test_letters_that_neither_way_makes_single_tokens_are_refused_in_their_language(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path, tokenizer=TinyTokenizer.MERGING)
    good, bad = written(["x\nAnswer:"], ("en",)), written(["x\nAnswer: "], ("he",))
    (refusal,) = refusals(looked(folder, [*good, *bad]))
    assert (refusal.check, refusal.language) == (Check.LETTERS, "he")
    assert "each letter must be one token of its own" in refusal.sentence


def test_letters_are_tried_after_every_prompt_and_of_very_many_after_a_sample(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path, tokenizer=TinyTokenizer.MERGING)
    given = written(["x\nAnswer:"] * 9)
    given[5] = replace(given[5], text="x\nAnswer: ")  # neither the first nor the middle nor the last
    assert of(looked(folder, given, quick=True), Check.LETTERS)
    sampled = preflight(str(folder), given, device="cpu", quick=True, letters_after=3)
    assert refusals(sampled) == []
    (note,) = of(sampled, Check.LETTERS, Severity.NOTE)
    assert "after 3 of 9 prompts, one in 3" in note.sentence


def test_letters_that_share_an_id_are_refused(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path)
    words = tiny_tokenizer()
    words.backend_tokenizer.normalizer = normalizers.Replace(Regex("[B-E]$"), "A")
    words.save_pretrained(folder)
    found = of(looked(folder), Check.LETTERS)
    assert [finding.language for finding in found] == ["en", "he"]
    assert all("share ids" in finding.sentence for finding in found)


def _word_tokenizer(folder: Path, words: str) -> None:
    """A tokenizer that knows these words alone."""
    vocabulary = {word: place for place, word in enumerate(["<unk>", *words.split()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(folder)


def test_letters_that_are_unknown_tokens_are_refused(tmp_path: Path) -> None:
    _word_tokenizer(tiny_llama(tmp_path), "Answer : . ? xgeo question option in en he")
    (first, *_) = of(looked(tmp_path), Check.LETTERS)
    assert "'A' directly after the prompt is the unknown token (id 0)" in first.sentence


def test_unknown_tokens_are_counted_in_their_language(tmp_path: Path) -> None:
    _word_tokenizer(tiny_llama(tmp_path), "Answer : . ? xgeo question option in en 0 a b A B")
    given = prompts(made_up_questions(count=1, languages=("en", "he"), choices=2), Template.ENGLISH)
    found = looked(tmp_path, given)
    (counted,) = of(found, Check.UNKNOWN_TOKENS, Severity.COUNTED)
    # xgeo question 0 in he ? he option a he option b: 12 tokens, of which "he" thrice
    assert found.languages[1].unknown_share == 3 / 12
    assert (counted.language, counted.sentence[:5]) == ("he", "25.0%")
    assert not found.refused


def test_a_doubled_bos_is_refused_and_hides_nothing(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path, tokenizer=TinyTokenizer.BOS, max_position_embeddings=30)
    given = written(["<s>x\nAnswer:", "0 1 2 3 4 5 6 7 8 9 " * 8 + "Answer:"], ("en", "de"))
    found = looked(folder, given)
    assert [(finding.check, finding.language, finding.dataset) for finding in refusals(found)] == [
        (Check.CONTEXT, "en", "xgeo"),
        (Check.DOUBLED_BOS, "en", None),
        (Check.CONTEXT, "de", "xgeo"),
        (Check.DOUBLED_BOS, "de", None),
    ]
    assert "1 of 2 prompts begin with '<s>' twice" in of(found, Check.DOUBLED_BOS)[0].sentence
    assert [token.text for token in found.facts.letters] == ["A", "B"]


@pytest.mark.parametrize(
    ("family", "said", "evidence"),
    [
        ("gpt2", True, "tokenizer_config.json says add_bos_token"),
        ("llama", None, "models of type llama are usually trained with it"),
        ("llama", False, None),
        ("gpt2", None, None),
    ],
)
def test_a_missing_bos_is_counted_with_the_evidence_that_it_is_wanted(
    family: str, said: bool | None, evidence: str | None, tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path, family)
    path = folder / "tokenizer_config.json"
    if said is not None:
        path.write_text(json.dumps({**json.loads(path.read_text()), "add_bos_token": said}))
    found = looked(folder, quick=True)
    counted = of(found, Check.MISSING_BOS, Severity.COUNTED)
    assert found.facts.adds_bos is False
    assert [finding.language for finding in counted] == (["en", "he"] if evidence else [])
    assert all(
        evidence in finding.sentence and "4 of 4 prompts begin without '<s>'" in finding.sentence
        for finding in counted
        if evidence
    )


def test_prompts_longer_than_the_context_are_counted_by_language_and_data_set(tmp_path: Path) -> None:
    short = written(["Answer:"] * 3, ("en", "he"))
    long = [
        replace(prompt, text="0 1 2 3 4 5 6 7 8 9 " * 8 + "Answer:")
        for prompt in prompts(made_up_questions("xpeo", 2, ("he",), 2), Template.ENGLISH)
    ]
    found = looked(tiny_llama(tmp_path, max_position_embeddings=64), [*short, *long])
    (refusal,) = refusals(found)
    assert (refusal.check, refusal.language, refusal.dataset) == (Check.CONTEXT, "he", "xpeo")
    longest = found.languages[1].longest
    assert f"2 of 2 prompts are too long for {tmp_path.name}: the longest has {longest}" in refusal.sentence
    assert "context holds 64" in refusal.sentence
    assert found.asked == 2 * 3  # of the others three a language


def test_ids_beyond_the_embedding_are_refused_in_every_language(tmp_path: Path) -> None:
    found = looked(tiny_llama(tmp_path, vocab_size=100))
    assert [finding.language for finding in of(found, Check.EMBEDDING)] == ["en", "he"]
    assert "embeds ids below 100" in of(found, Check.EMBEDDING)[0].sentence


def _t5(size: int) -> torch.nn.Module:
    return T5ForConditionalGeneration(
        T5Config(vocab_size=size, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    )


def _bert(size: int) -> torch.nn.Module:
    return BertForMaskedLM(
        BertConfig(vocab_size=size, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    )


@pytest.mark.parametrize(
    ("make", "said"), [(_t5, "is an encoder-decoder model"), (_bert, "is an encoder model")]
)
def test_models_with_an_encoder_are_refused_and_their_tokenizer_is_looked_at(
    make: Callable[[int], torch.nn.Module], said: str, tmp_path: Path
) -> None:
    make(len(tiny_tokenizer())).save_pretrained(tmp_path)  # type: ignore[operator]
    tiny_tokenizer().save_pretrained(tmp_path)
    found = looked(tmp_path)
    (refusal,) = refusals(found)
    assert (refusal.check, refusal.language) == (Check.MODEL, None)
    assert said in refusal.sentence
    assert [token.text for token in found.facts.letters] == list("ABCDE")
    assert found.asked == 0
    (note,) = of(found, Check.LOGITS, Severity.NOTE)
    assert "was not loaded to answer a few prompts, because of: model; mend that" in note.sentence


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights.pop("model.layers.1.mlp.up_proj.weight"),
        lambda weights: weights.update({"model.layers.1.mlp.up_proj.weight": torch.zeros(3, 32)}),
    ],
    ids=["gone", "of another shape"],
)
def test_a_weight_that_would_be_random_is_refused_before_anything_is_loaded(
    change: Callable[[dict[str, torch.Tensor]], object], tmp_path: Path
) -> None:
    found = looked(rewritten(tiny_llama(tmp_path), change), quick=True)
    (refusal,) = refusals(found)
    assert refusal.check is Check.WEIGHTS
    assert "lacks 1 of the model's weights (model.layers.1.mlp.up_proj.weight)" in refusal.sentence
    assert found.facts.letters


def test_a_cut_weight_file_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    path = tiny_llama(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    (refusal,) = refusals(looked(tmp_path, quick=True))
    assert (refusal.check, "[header-size]" in refusal.sentence) == (Check.WEIGHTS, True)


def test_nan_weights_are_refused_by_asking_a_few_prompts_of_each_language(tmp_path: Path) -> None:
    rewritten(tiny_gpt2(tmp_path), lambda weights: weights["transformer.ln_f.weight"].fill_(math.nan))
    assert refusals(looked(tmp_path, quick=True)) == []
    found = looked(tmp_path)
    assert [(finding.check, finding.language) for finding in refusals(found)] == [
        (Check.LOGITS, "en"),
        (Check.LOGITS, "he"),
    ]
    assert "3 of 3 prompts gave NaN or infinite logits in float32" in refusals(found)[0].sentence
    assert found.asked == 6


def test_a_missing_pad_token_is_a_note(sound: Path) -> None:
    (note,) = of(looked(sound, quick=True), Check.PAD, Severity.NOTE)
    assert "none is needed" in note.sentence


def test_weights_larger_than_the_memory_are_counted_and_left_unread(tmp_path: Path) -> None:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    rows = memory * 3 // 4 // (4 * 32)  # two such weights are half as much again as the memory
    folder = tiny_llama(tmp_path)
    wide = ("model.embed_tokens.weight", "lm_head.weight")
    rewritten(folder, lambda weights: [weights.pop(name) for name in wide])
    (folder / "model.safetensors").rename(folder / "rest.safetensors")
    files = dict.fromkeys(load_file(folder / "rest.safetensors"), "rest.safetensors")
    for place, name in enumerate(wide):
        files[name] = f"wide-{place}.safetensors"
        _write_zeros(folder / files[name], name, rows)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    config = folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "vocab_size": rows}))
    found = looked(folder)
    assert refusals(found) == []
    assert (found.facts.embedding_rows, found.facts.fits, found.asked) == (rows, False, 0)
    (counted,) = of(found, Check.MEMORY, Severity.COUNTED)
    assert "in float32 and cpu has" in counted.sentence


def _write_zeros(path: Path, name: str, rows: int) -> None:
    """A safetensors file of one weight (rows, 32) of zeros, which take no room on the disk."""
    size = rows * 32 * 4
    header = json.dumps({name: {"dtype": "F32", "shape": [rows, 32], "data_offsets": [0, size]}}).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    try:
        os.truncate(path, 8 + len(header) + size)
    except OSError as error:
        pytest.skip(f"this file system takes no sparse file of {size} bytes: {error}")


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: tiny_llama(folder, vocab_size=100),
        lambda folder: tiny_llama(folder, max_position_embeddings=20),
        lambda folder: tiny_llama(folder, tokenizer=TinyTokenizer.BOS),
        lambda folder: rewritten(tiny_llama(folder), lambda weights: weights.pop("model.norm.weight")),
        lambda folder: folder,
    ],
    ids=["narrow", "short", "doubled BOS", "holed", "absent"],
)
def test_a_run_refuses_with_a_sentence_of_the_preflight(make: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = make(tmp_path / "model")
    given = written(["<s>" + "Question:x\nA. y\nB. z\n" * 3 + "Answer:"])
    with pytest.raises(ModelError) as refusal:
        list(TransformersScorer.load(str(folder), device="cpu").scored(given))
    assert str(refusal.value) in [finding.sentence for finding in refusals(looked(folder, given))]


def test_a_model_that_is_not_there_is_a_finding_and_a_wrong_request_an_error(
    sound: Path, tmp_path: Path
) -> None:
    found = looked(tmp_path / "absent")
    assert [finding.check for finding in found.findings] == [Check.MODEL]
    assert "is no folder" in found.findings[0].sentence
    with pytest.raises(UsageError, match="unknown dtype 'int8'"):
        preflight(str(sound), asked(1), dtype="int8")
    with pytest.raises(UsageError, match="no prompt to look at"):
        preflight(str(sound), [])


def test_mixed_asks_in_both_dtypes(sound: Path) -> None:
    found = preflight(str(sound), asked(1), device="cpu", dtype="mixed")
    assert (refusals(found), found.asked) == (
        [],
        4,
    )  # two languages; of two prompts first, middle and last are two


def test_a_table_says_a_sentence_once_for_all_its_languages_in_100_columns(tmp_path: Path) -> None:
    table = as_table(looked(tiny_llama(tmp_path / "narrow", vocab_size=100), quick=True))
    assert max(len(line) for line in table.splitlines()) <= 100
    assert table.count("embeds ids below 100") == 1
    assert "refused: embedding in en, he" in table
    assert table.splitlines()[-1] == "narrow: refused, 2 findings"


def test_a_table_gives_the_first_of_many_sentences_that_differ_in_numbers_alone(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path, max_position_embeddings=20)
    given = prompts(
        [
            replace(question, text=question.text + " and more" * place)
            for place, question in enumerate(made_up_questions(count=1, languages=("en", "de", "fr", "it")))
        ],
        Template.ENGLISH,
    )
    table = as_table(looked(folder, given, quick=True))
    assert table.count("too long for") == 2
    assert "refused: context likewise in fr (xgeo), it (xgeo) (--format json has every sentence)" in table


def clika(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clika", "preflight", "--device", "cpu", *arguments],
        env={**os.environ, "CLIKA_STORE": str(store)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_what_would_be_refused_and_ends_with_status_1(tmp_path: Path) -> None:
    release = write_release(tmp_path / "release", {"chatgpt": always_right})
    folder = rewritten(tiny_llama(tmp_path / "holed"), lambda weights: weights.pop("model.norm.weight"))
    done = clika(
        tmp_path / "store", "--model", str(folder), "--data", str(release), "--languages", "en,he,fr",
        "--limit", "1", "--format", "json",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "clika: no question in fr: passed over\n"
    found = json.loads(done.stdout)
    assert list(found) == ["version", "refused", "facts", "languages", "findings", "asked"]
    assert (found["version"], found["refused"], found["asked"]) == (1, True, 0)
    assert [cut["language"] for cut in found["languages"]] == ["en", "he"]
    assert [cut["prompts"] for cut in found["languages"]] == [4, 4]  # one of each of four data sets
    first = found["findings"][0]
    assert list(first) == ["severity", "check", "sentence", "language", "dataset"]
    assert (first["severity"], first["check"], first["language"]) == ("refused", "weights", None)
    assert not (tmp_path / "store").exists()


def test_the_command_passes_a_sound_model_over_a_stored_collection(sound: Path, tmp_path: Path) -> None:
    seal_questions(tmp_path, made_up_questions())
    done = clika(tmp_path, "--model", str(sound), "--languages", "en,de,he", "--datasets", "xgeo")
    assert (done.returncode, done.stderr) == (0, "")
    assert "sound: nothing is refused; 9 prompts were answered" in done.stdout  # three of three languages
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    wrong = clika(tmp_path, "--model", str(sound), "--datasets", "xpeo")
    assert (wrong.returncode, "it holds: xgeo" in wrong.stderr) == (2, True)


def test_a_template_that_the_model_has_not_is_refused_and_hides_nothing_else(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "plain")
    asking = Asking(Template.CHAT)
    found = preflight(str(folder), lambda chat: asking.prompts(made_up_questions(), chat), device="cpu")
    (refusal,) = of(found, Check.TEMPLATE)
    assert "has no chat template" in refusal.sentence
    assert found.facts.parameters is not None
    tokenizer = tiny_tokenizer(TinyTokenizer.BOS)
    tokenizer.chat_template = (
        "{{ bos_token }}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:\n{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    found = preflight(str(folder), lambda chat: asking.prompts(made_up_questions(), chat), device="cpu")
    assert refusals(found) == []  # the template's own BOS is the only one
    assert found.facts.adds_bos
