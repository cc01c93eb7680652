"""Language models that people know, against transformers', with random weights made from the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import netc
from tests import known

transformers: Any = pytest.importorskip("transformers", reason="pip install transformers")
assert known.LIBRARY is not None  # defined before transformers imports torchvision

TOLERANCE = 1e-4
WORDS = torch.randint(1, 30_000, (2, 11), generator=torch.Generator().manual_seed(0))


def test_gpt2(specs: Path) -> None:
    """The logits of GPT-2 small; its `Conv1D`s hold the transposed weights of a Linear."""
    network = netc.load(specs / "gpt2.net")
    assert network.graph.parameter_count == 124_439_808
    theirs, ours = transformers.GPT2LMHeadModel(transformers.GPT2Config()).eval(), network.module().eval()
    turned = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    ours.load_state_dict({k: v.T if k.endswith(turned) else v for k, v in theirs.state_dict().items()}, strict=True)
    assert ours.get_parameter("lm_head.weight") is ours.get_parameter("transformer.wte.weight")
    with torch.no_grad():
        torch.testing.assert_close(ours(WORDS), theirs(WORDS).logits, atol=TOLERANCE, rtol=0)


def test_bert(specs: Path) -> None:
    """The hidden states and the pooled one of BERT base, with padding."""
    network = netc.load(specs / "bert_encoder.net")
    assert network.graph.parameter_count == 109_482_240
    theirs, ours = transformers.BertModel(transformers.BertConfig()).eval(), network.module().eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    mask = torch.ones(2, 11, dtype=torch.bool)
    mask[1, 7:] = False
    segment = (torch.arange(11) > 5).long().expand(2, 11)
    with torch.no_grad():
        hidden, pooled = ours(WORDS, segment, mask)
        wanted = theirs(WORDS, attention_mask=mask.long(), token_type_ids=segment)
    torch.testing.assert_close(hidden[mask], wanted.last_hidden_state[mask], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(pooled, wanted.pooler_output, atol=TOLERANCE, rtol=0)
