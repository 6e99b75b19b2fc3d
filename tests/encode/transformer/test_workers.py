"""Two processes on the CPU against one, with real processes."""

import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")

from tiny_transformers import tiny

from retrievo.encode.sentence import SentenceEncoder
from retrievo.encode.transformer.devices import batch_tokens_for, devices_of
from retrievo.errors import ConfigError, EncoderError

WORDS = "the quick brown fox jumps over a lazy dog".split()
TEXTS = [
    f"{one} {'lazy ' * (place % 5)}{other}" for place, one in enumerate(WORDS) for other in WORDS
]


@pytest.mark.slow
def test_processes_give_the_vectors_of_one_and_a_dead_one_is_an_error(tmp_path):
    model = tiny(tmp_path, "bert")
    prompts = {"query_prompt": "a ", "document_prompt": "the "}
    alone = SentenceEncoder(model, cache="off", **prompts)
    encoder = SentenceEncoder(model, cache="off", processes=2, batch_tokens=40, **prompts)
    with warnings.catch_warnings():
        # What sentence-transformers and torch say of themselves in other processes.
        warnings.simplefilter("ignore", DeprecationWarning)
        made = encoder.encode_document(TEXTS)
    assert np.abs(made - alone.encode_document(TEXTS)).max() < 1e-5
    assert np.abs(encoder.encode_query(TEXTS) - alone.encode_query(TEXTS)).max() < 1e-5
    assert encoder.fingerprint == alone.fingerprint
    with ThreadPoolExecutor(2) as threads:
        # One after the other: what comes back must not go to whoever asks first.
        halves = TEXTS[:40], TEXTS[40:]
        for _ in range(3):
            for half, found in zip(
                halves, threads.map(encoder.encode_document, halves), strict=True
            ):
                assert np.abs(found - alone.encode_document(half)).max() < 1e-5
    processes = encoder._forward._workers._pool["processes"]
    assert len(processes) == 2
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    with pytest.raises(EncoderError, match=r"process that encodes on cpu failed \(exit code -9\)"):
        encoder.encode_document(TEXTS)
    encoder.close()
    assert np.abs(encoder.encode_query(TEXTS[:3]) - alone.encode_query(TEXTS[:3])).max() < 1e-5
    assert not model[0].auto_model.embeddings.word_embeddings.weight.is_shared()


def test_few_texts_start_no_process(tmp_path):
    encoder = SentenceEncoder(tiny(tmp_path, "bert"), cache="off", processes=2)
    assert encoder.encode_document(TEXTS[:5]).shape == (5, 16)
    assert encoder._forward._workers is None
    encoder.close()


@pytest.mark.parametrize(
    ("device", "processes", "found"),
    [("cpu", 1, ["cpu"]), ("cpu", 3, ["cpu"] * 3), (["cpu", "cpu"], 1, ["cpu", "cpu"])],
)
def test_the_devices_that_are_meant(device, processes, found):
    assert devices_of(device, processes) == found


def test_auto_is_a_device_that_works():
    import torch

    (found,) = devices_of("auto", 1)
    assert devices_of(None, 1) == [found]
    assert torch.ones(2, device=found).sum() == 2


@pytest.mark.parametrize(
    ("device", "processes", "message"),
    [
        ("gpu", 1, "device is 'gpu'; 'auto', 'cpu', 'cuda', 'mps' or a name"),
        ("cuda:99", 1, "device is 'cuda:99'"),
        ([], 1, "an empty list"),
        (["cpu", "cpu"], 2, "leave processes out"),
        ("cpu", 0, "processes is 0"),
    ],
)
def test_devices_that_cannot_be_meant(device, processes, message):
    with pytest.raises(ConfigError, match=message):
        devices_of(device, processes)


def test_a_given_model_stays_where_it_is(tmp_path):
    model = tiny(tmp_path, "bert")
    model.to("meta")
    with pytest.raises(ConfigError, match="the model that was given is on meta"):
        SentenceEncoder(model, device="cpu")


def test_the_size_of_a_batch():
    assert batch_tokens_for("cpu", None) == 1_024
    assert batch_tokens_for("cuda:1", None) == 16_384
    assert batch_tokens_for("cuda", 77) == 77
    with pytest.raises(ConfigError, match="batch_tokens is 0"):
        batch_tokens_for("cpu", 0)
