"""Expanders in a pipeline: what a search makes of them."""

import pytest
from answering_server import Answer, Script, serving
from expanding import BAKERY

from retrievo import Pipeline


def pipeline_of(tmp_path, tables):
    config = tmp_path / "pipeline.toml"
    config.write_text(tables)
    pipeline = Pipeline.from_toml(config)
    pipeline.index(BAKERY)
    return pipeline


def test_feedback_finds_what_shares_no_word_with_the_query(tmp_path):
    # "dough" is in one document; its "flour", "water" and "bread" lead to another.
    lexical = '[retrievers.bm25]\nuse = "bm25"\n'
    plain = pipeline_of(tmp_path, lexical)
    assert [hit.doc_id for hit in plain.search("dough")] == ["flour"]
    more = pipeline_of(tmp_path, f'{lexical}[expander]\nuse = "feedback"\n')
    hits = more.search("dough")
    assert [hit.doc_id for hit in hits] == ["flour", "oven"] and not hits.warnings


def test_feedback_moves_the_vector(tmp_path):
    dense = '[retrievers.dense]\nuse = "dense"\n'
    plain = pipeline_of(tmp_path, dense).search("dough")
    more = pipeline_of(tmp_path, f'{dense}[expander]\nuse = "feedback"\n').search("dough")
    assert more[0].doc_id == plain[0].doc_id == "flour"
    assert more[0].score > plain[0].score and not more.warnings


def test_a_service_that_is_not_there_costs_a_warning(tmp_path):
    pytest.importorskip("httpx", reason="needs the extra 'remote'")
    plain = [hit.doc_id for hit in pipeline_of(tmp_path, "").search("dough")]
    for use in ("hyde", "multi-query"):
        with serving(Script(Answer(500))) as url:
            pipeline = pipeline_of(
                tmp_path,
                f'[expander]\nuse = "{use}"\nmodel = "tiny"\nbase_url = "{url}/v1"\nretries = 0\n',
            )
            hits = pipeline.search("dough")
        assert [hit.doc_id for hit in hits] == plain
        assert any(f"{use} cannot expand the query" in told for told in hits.warnings)
