"""The names that users import, each with a docstring, and nothing by accident."""

import inspect

import pytest

import retrievo
from retrievo import errors

PUBLIC = {"Pipeline", "Document", "Chunk", "Hit", "Hits", "F", "hookimpl"}


def test_the_public_names_are_these_and_the_errors():
    every_error = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert set(retrievo.__all__) == PUBLIC | every_error
    assert len(retrievo.__all__) == len(set(retrievo.__all__))
    assert set(retrievo._HOME) == set(retrievo.__all__)


@pytest.mark.parametrize("name", sorted(retrievo.__all__))
def test_a_public_name_can_be_imported_and_says_what_it_is(name):
    value = getattr(retrievo, name)
    assert name in dir(retrievo)
    assert (inspect.getdoc(value) or "").strip()


def test_every_error_is_a_retrievo_error_and_stands_in_the_tree():
    for name in set(retrievo.__all__) - PUBLIC:
        error = getattr(errors, name)
        if name != "RetrievoWarning":
            assert issubclass(error, errors.RetrievoError)
        assert name in (errors.__doc__ or "")


def test_public_methods_of_the_pipeline_are_documented():
    for name, method in inspect.getmembers(retrievo.Pipeline):
        if not name.startswith("_"):
            assert (inspect.getdoc(method) or "").strip(), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Pipelin'"):
        retrievo.Pipelin  # noqa: B018
