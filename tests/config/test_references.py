"""What a configuration keeps of secrets that are written out."""

from retrievo.config.references import without_secrets


def test_values_of_headers_are_kept_nowhere_unless_they_stand_for_a_variable():
    tables = {"encoder": {"use": "openai", "headers": {"x-team": "s3cret", "cookie": "env:JAR"}}}
    kept = without_secrets(tables, None)
    assert kept["encoder"]["headers"] == {"cookie": "env:JAR"}
    shown = without_secrets(tables, "***")
    assert shown["encoder"]["headers"] == {"x-team": "***", "cookie": "env:JAR"}
