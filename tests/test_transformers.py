"""Language models that people know, against transformers', with random weights made from the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import netc
from tests import known
from tests.conftest import LLAMA_70B
from tests.forms import assert_forms_agree, ejected, empty, outputs

transformers: Any = pytest.importorskip("transformers", reason="pip install transformers")
assert known.LIBRARY is not None  # defined before transformers imports torchvision

TOLERANCE = 1e-4
WORDS = torch.randint(1, 30_000, (2, 11), generator=torch.Generator().manual_seed(0))
MASK = torch.arange(11) < torch.tensor([[11], [7]])
SEGMENT = (torch.arange(11) > 5).long().expand(2, 11)


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)


def test_gpt2(specs: Path) -> None:
    """The logits of GPT-2 small; its `Conv1D`s hold the transposed weights of a Linear."""
    network = netc.load(specs / "gpt2.net")
    assert network.graph.parameter_count == 124_439_808
    theirs, ours = transformers.GPT2LMHeadModel(transformers.GPT2Config()), network.module()
    turned = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    ours.load_state_dict({k: v.T if k.endswith(turned) else v for k, v in theirs.state_dict().items()}, strict=True)
    assert ours.get_parameter("lm_head.weight") is ours.get_parameter("transformer.wte.weight")
    for mode in (True, False):
        ours.train(mode)
        theirs.train(mode)
        assert_close(*outputs(ours, [WORDS]), *outputs(lambda: theirs(WORDS).logits, []))
    assert_forms_agree(ours, [empty(ejected(network), ours.state_dict())], [WORDS], [WORDS.roll(-1, 1)])


def test_llama(specs: Path) -> None:
    """The logits of a small Llama 3 with two heads to a key, and the parameters of that of 70 billion."""
    network = netc.load(specs / "llama.net")
    rotary = {"rope_type": "default", "rope_theta": 500_000.0}
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=512, hidden_size=64, intermediate_size=172, num_hidden_layers=5, num_attention_heads=8, num_key_value_heads=4,
        rms_norm_eps=1e-5, rope_parameters=rotary))  # fmt: skip
    ours, words = empty(network.module, theirs.state_dict()), WORDS % 512
    assert_close(*outputs(ours, [words]), *outputs(lambda: theirs(words).logits, []))
    assert_forms_agree(ours, [empty(ejected(network), ours.state_dict())], [words], [words.roll(-1, 1)])
    # Source: the model card of Llama 3 70B, the size of its weights.
    assert netc.load(specs / "llama.net", LLAMA_70B).graph.parameter_count == 70_553_706_496


def test_bert(specs: Path) -> None:
    """The hidden states and the pooled one of BERT base, with padding."""
    network = netc.load(specs / "bert_encoder.net")
    assert network.graph.parameter_count == 109_482_240
    theirs = transformers.BertModel(transformers.BertConfig())
    ours = empty(network.module, theirs.state_dict())
    for mode in (True, False):
        ours.train(mode)
        theirs.train(mode)
        hidden, pooled = outputs(ours, [WORDS, SEGMENT, MASK])
        states, last = outputs(lambda: theirs(WORDS, attention_mask=MASK.long(), token_type_ids=SEGMENT).to_tuple(), [])
        assert_close(hidden[MASK], states[MASK])
        assert_close(pooled, last)
    assert_forms_agree(ours, [empty(ejected(network), ours.state_dict())], [WORDS, SEGMENT, MASK], [])
