"""Each broken store, and the tests of the contract kit that are meant to see what is wrong."""

from broken_stores import answers, keeping

COMPARISONS = "test_each_comparison_means_what_the_evaluator_says"
JOINED = "test_comparisons_joined_in_every_way"
BEST = "test_a_search_finds_the_best_first"
IDS = "test_ids_that_differ_are_different_documents"
REOPENED = "test_it_is_all_there_after_reopening"
HISTORIES = "test_random_histories_agree_with_the_model"

CAUGHT_BY = {
    answers.LeaksAFilter: [
        f"{COMPARISONS}[lexical]",
        f"{JOINED}[lexical]",
        "test_a_filter_leaves_as_many_as_there_are[few-lexical]",
    ],
    answers.FiltersAfterwards: [
        f"{COMPARISONS}[dense]",
        "test_a_filter_leaves_as_many_as_there_are[few-dense]",
        "test_a_filter_leaves_as_many_as_there_are[one-tokens]",
    ],
    answers.TakesTrueForOne: [f"{COMPARISONS}[dense]", f"{COMPARISONS}[tokens]"],
    answers.RemembersAFilter: ["test_filters_follow_what_is_written"],
    answers.MisSorts: [f"{BEST}[dense]", f"{BEST}[lexical]", f"{BEST}[tokens]"],
    answers.CapsTheDepth: [f"{BEST}[dense]", "test_what_is_written_comes_back[300]"],
    answers.DropsWhatIsUnlike: [f"{BEST}[dense]", "test_every_row_is_found_whatever_its_sign"],
    answers.MeasuresCosine: [f"{BEST}[dense]", "test_a_weight_of_a_big_collection_survives"],
    answers.ClaimsAll: [f"{BEST}[dense]", f"{BEST}[lexical]"],
    answers.LeavesTheScope: ["test_a_scope_finds_the_tenants_rows_and_no_others[tokens]"],
    answers.FindsAnybodysDocument: ["test_the_same_id_of_another_tenant_is_another_document"],
    answers.AnswersWithoutATenant: ["test_with_tenants_nothing_is_told_without_one"],
    keeping.LosesAnUpdate: [
        "test_writing_a_document_again_replaces_it",
        "test_fingerprints_of_any_kind",
        HISTORIES,
    ],
    keeping.DeletesBeforeItWrites: [
        "test_a_write_that_fails_changes_nothing[vectors too narrow]",
        "test_a_write_that_fails_changes_nothing[a row too few]",
    ],
    keeping.LeavesStaleChunks: ["test_writing_a_document_again_replaces_it", HISTORIES],
    keeping.KeepsTheOldVectors: ["test_a_document_whose_text_stays_takes_the_new_vectors"],
    keeping.ReusesRowNumbers: ["test_a_row_number_never_comes_to_mean_another_chunk"],
    keeping.CountsDeletedRows: ["test_deleted_documents_are_gone_everywhere"],
    keeping.MixesReusedRows: ["test_reused_rows_keep_their_values"],
    keeping.CutsLongIds: [f"{IDS}[long]"],
    keeping.NormalisesIds: [f"{IDS}[normal forms]"],
    keeping.LosesTypes: ["test_metadata_come_back_as_they_were"],
    keeping.KeepsTheFirstAccount: ["test_what_an_encoder_did_not_read_of_a_chunk_is_kept"],
    keeping.SumsWhatIsGone: ["test_what_an_encoder_did_not_read_of_a_chunk_is_kept"],
    keeping.AnswersWhenClosed: ["test_a_closed_store_raises_whatever_it_is_asked"],
    keeping.ForgetsTheLastWrite: [REOPENED, "test_opening_what_is_there_replaces_nothing"],
    keeping.SavesOnClose: ["test_what_was_acknowledged_survives_a_kill"],
    keeping.ReadsWithoutAScope: ["test_what_a_search_found_stays_while_it_is_read"],
    keeping.WritesInTwoSteps: [
        "test_a_reader_sees_each_document_wholly_old_or_wholly_new",
        "test_one_call_is_whole_without_a_scope",
    ],
    keeping.DeclaresIdf: ["test_a_store_with_idf_multiplies_the_query_by_it"],
    keeping.DeclaresMaintenance: ["test_maintenance_changes_no_answer[vacuum]"],
    keeping.ConcealsFilters: ["test_filters_that_are_not_declared_are_refused"],
    keeping.ConcealsTenants: ["test_a_store_without_tenants_refuses_them"],
    keeping.ConcealsMulti: ["test_a_kind_that_is_not_declared_is_refused[multi]"],
}
