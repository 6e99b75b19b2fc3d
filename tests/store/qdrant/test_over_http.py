"""The store contract behind a real socket, as far as JSON, requests and threads can make a change.

What a store decides is the same with either client, and the whole kit runs on it in process
(test_contract.py), and on a server where there is one. Behind the socket are the tests that send
something which JSON, a limit of size, a refusal or a second connection could change.
"""

import json

import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from loopback_qdrant import Loopback, serving
from qdrant_client import models
from qdrant_client.http.api.points_api import jsonable_encoder

from retrievo.store.qdrant.conditions import conditions_of, visible
from retrievo.store.qdrant.store import QdrantStore
from retrievo.testing.stores.concurrency import Concurrency
from retrievo.testing.stores.declaring import Declaring
from retrievo.testing.stores.filtering import Filtering
from retrievo.testing.stores.hooks import StoreHooks
from retrievo.testing.stores.identity import Identity
from retrievo.testing.stores.lifecycle import Lifecycle
from retrievo.testing.stores.machine import RandomHistories
from retrievo.testing.stores.metadata import ATOMS, VALUES, joined
from retrievo.testing.stores.searching import Searching
from retrievo.testing.stores.tenancy import Tenancy
from retrievo.testing.stores.writing import UNFIT, Writing


def only(test, *values):
    """The kit's test of one parameter, with these values of it."""

    def run(self, held, value):
        test(self, held, value)

    return pytest.mark.parametrize("value", values)(run)


@pytest.mark.slow
class TestOverHttp(StoreHooks):
    """The engine's graph is careless: a dense search finds half of what it was asked for."""

    random_runs = 3

    @pytest.fixture(autouse=True)
    def _server(self):
        with serving(Loopback(lossy=True)) as self.url:
            yield

    def make_store(self, folder):
        return QdrantStore(folder.name, url=self.url, batch_bytes=20_000)

    def after_a_kill(self, store, folder, copy):
        return self.make_store(folder)

    # what is not there, and what is there for another client
    test_nothing_is_there = Lifecycle.test_nothing_is_there_before_it_is_made
    test_an_empty_store = Lifecycle.test_an_empty_store_answers_with_nothing
    test_passport_and_configuration = Lifecycle.test_passport_and_configuration_are_kept
    _reopen = Lifecycle._reopen
    test_reopened = Lifecycle.test_it_is_all_there_after_reopening
    test_a_kill = Lifecycle.test_what_was_acknowledged_survives_a_kill

    # several requests a batch and pages of a scroll; every shape of value; a refusal half way
    test_many_chunks = only(Writing.test_what_is_written_comes_back, 300)
    test_again = Writing.test_writing_a_document_again_replaces_it
    test_reused_rows = Writing.test_reused_rows_keep_their_values
    test_replaced_values = Writing.test_one_representation_can_be_replaced
    test_weights_far_from_one = Writing.test_a_weight_of_a_big_collection_survives
    test_rows_without_vectors = Writing.test_several_vectors_a_row_may_be_none
    test_what_was_cut = Writing.test_what_an_encoder_did_not_read_of_a_chunk_is_kept
    test_a_write_that_fails = only(Writing.test_a_write_that_fails_changes_nothing, *UNFIT)

    # what JSON and a server in another language may change of a text or a number
    test_ids = only(
        Identity.test_ids_that_differ_are_different_documents, "words", "long", "controls", "wide"
    )
    test_texts = Identity.test_texts_come_back_as_they_were
    test_titles = Identity.test_titles_and_contexts_of_any_kind
    test_metadata = Filtering.test_metadata_come_back_as_they_were

    # every condition in JSON once, it is the same for all representations; joined ones are below
    test_comparisons = only(
        Filtering.test_each_comparison_means_what_the_evaluator_says, "dense", "lexical"
    )

    # every kind of vector in JSON, and a graph that answers short
    test_the_best = only(Searching.test_a_search_finds_the_best_first, "dense", "lexical", "tokens")
    test_scores = only(Searching.test_each_row_can_be_scored, "dense", "lexical", "tokens")
    test_together = Searching.test_searches_together_give_what_each_gives_alone
    test_any_sign = Searching.test_every_row_is_found_whatever_its_sign
    test_idf = Searching.test_a_store_with_idf_multiplies_the_query_by_it
    test_unknown_rows = Searching.test_rows_that_are_not_there_raise

    @pytest.mark.parametrize("share", ["half", "few"])
    def test_a_filter_of_a_careless_graph(self, held, share):
        Filtering.test_a_filter_leaves_as_many_as_there_are(self, held, "dense", share)

    # tenants in conditions, counts and payload
    test_tenants_reopened = Tenancy.test_tenants_are_there_after_reopening
    test_a_tenant_that_is_gone = Tenancy.test_a_tenant_without_documents_left_sees_nothing
    test_tenants_counted = Declaring.test_tenants_are_counted
    test_sizes = Declaring.test_sizes_are_told

    # connections that several threads share
    test_threads = Concurrency.test_one_call_is_whole_without_a_scope

    test_random_histories = RandomHistories.test_random_histories_agree_with_the_model


def test_conditions_are_the_same_behind_json():
    """Conditions of several kinds have keys in common: JSON must not make one of another."""
    for wanted in (*ATOMS, *VALUES, *joined()):
        for above in (True, False):
            said = conditions_of(wanted, above=above).condition
            if isinstance(said, bool):
                continue
            sent = visible("t", said)
            body = json.loads(jsonable_encoder(sent))
            assert repr(models.Filter.model_validate(body)) == repr(sent), wanted
