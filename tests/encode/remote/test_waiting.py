from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from retrievo.encode.remote.waiting import backoff, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_seconds_that_a_service_asks_for(headers, seconds):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_a_date_to_wait_for(zone):
    when = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < retry_after({"retry-after": when.replace("GMT", zone)}) <= 3600


def test_a_pause_doubles_up_to_half_a_minute_and_is_drawn():
    for attempt, whole in enumerate([0.5, 1, 2, 4, 8, 16, 30, 30]):
        drawn = {backoff(attempt, 0.5) for _ in range(20)}
        assert len(drawn) > 1 and all(whole / 2 <= pause <= whole for pause in drawn)
    assert backoff(5, 0) == 0
