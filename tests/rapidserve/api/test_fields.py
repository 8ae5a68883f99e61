import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapidserve.api.fields import (
    ChoiceField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictListField,
    TimestampField,
    UUIDField,
)
from rapidserve.api.serializers import StrictSerializer
from rapidserve.errors import Invalid, NotFound, UnsupportedMediaType
from tests.rapidserve.api.urls import BodySerializer

json_values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
)


def refusal(field, value) -> Invalid:
    with pytest.raises(Invalid) as caught:
        field.run_validation(value)
    return caught.value


@given(json_values)
def test_a_string_field_keeps_strings_to_the_letter_and_refuses_the_rest(value):
    field = StrictCharField(allow_blank=True)

    if isinstance(value, str) and "\0" not in value:
        assert field.run_validation(value) == value
    else:
        assert refusal(field, value).code == "type_invalid"


@pytest.mark.parametrize("value", ["\ud800", "a\0b", "", "123456", {"$ne": None}, None, 5, True])
def test_a_string_field_refuses_under_its_own_code(value):
    assert refusal(StrictCharField(max_length=5, code="name_invalid"), value).code == "name_invalid"


@given(json_values)
def test_an_integer_field_takes_integers_only(value):
    field = StrictIntegerField()

    if type(value) is int:
        assert field.run_validation(value) == value
    else:
        assert refusal(field, value).code == "type_invalid"


@pytest.mark.parametrize("value", [-1, 1.5, "12", True, 2**63, 2**64, None, [], {}])
def test_a_size_that_is_no_size_is_size_invalid(value):
    field = StrictIntegerField(min_value=0, max_value=2**63 - 1, code="size_invalid")

    assert refusal(field, value).code == "size_invalid"


@pytest.mark.parametrize("value", [0, 1, "true", "yes", None, []])
def test_a_boolean_field_takes_true_and_false_only(value):
    assert StrictBooleanField().run_validation(data=False) is False
    assert refusal(StrictBooleanField(), value).code == "type_invalid"


@pytest.mark.parametrize(
    "value",
    [
        "../../etc/passwd",
        "x" * 10_000,
        "",
        "0190a5b0-0000-7000-8000-00000000000",
        "{0190a5b0-0000-7000-8000-000000000000}",
        "0190A5B0-0000-7000-8000-000000000000",
        "0190a5b0000070008000000000000000",
        "\ud800",
    ],
)
def test_an_id_that_cannot_exist_is_not_found(value):
    with pytest.raises(NotFound):
        UUIDField().run_validation(value)


def test_an_id_is_read_and_something_that_is_no_string_is_refused():
    some = uuid.uuid4()

    assert UUIDField().run_validation(str(some)) == some
    assert refusal(UUIDField(), {"$ne": None}).code == "type_invalid"
    assert refusal(UUIDField(), 7).code == "type_invalid"


@given(
    st.integers(-11_000_000_000, 250_000_000_000),
    st.integers(0, 999_999),
    st.integers(-23 * 60, 23 * 60),
)
def test_times_are_read_as_the_moment_they_name(seconds, microseconds, offset_minutes):
    zone = dt.timezone(dt.timedelta(minutes=offset_minutes))
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(0, seconds, microseconds)

    read = TimestampField().run_validation(moment.astimezone(zone).isoformat())

    assert read == moment
    assert read.utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-03-01T09:30:00Z", 0),
        ("2026-03-01t09:30:00z", 0),
        ("2026-03-01T09:30:00.5Z", 500_000),
        ("2026-03-01T09:30:00.123456789Z", 123_456),
    ],
)
def test_every_spelling_of_rfc_3339_is_read(text, microsecond):
    expected = dt.datetime(2026, 3, 1, 9, 30, 0, microsecond, tzinfo=dt.UTC)

    assert TimestampField().run_validation(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01",
        "2026-03-01T09:30:00",
        "2026-02-30T09:30:00Z",
        "2026-03-01T25:00:00Z",
        "2026-03-01T09:30:00+99:00",
        "2026-03-01T09:30:00.1234567890Z",
        "1000000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "1599-12-31T23:59:59Z",
        "٢٠٢٦-03-01T09:30:00Z",
        "yesterday",
        "",
        1772357400,
        None,
        {},
    ],
)
def test_a_time_that_is_none_is_time_invalid(value):
    assert refusal(TimestampField(), value).code == "time_invalid"


@pytest.mark.parametrize("value", ["root", "", 1, None, ["viewer"], {"viewer": 1}])
def test_a_choice_outside_the_list_is_refused_without_echoing_it(value):
    error = refusal(ChoiceField(choices=["viewer", "editor"], code="role_invalid"), value)

    assert error.code == "role_invalid"
    assert "root" not in error.message


def test_a_list_says_which_item_is_wrong():
    error = refusal(StrictListField(child=StrictIntegerField()), [1, "2", "3"])

    assert (error.code, error.field) == ("type_invalid", "1")


@pytest.mark.parametrize("value", ["abc", {"0": 1}, 5, None, [1, 2, 3, 4]])
def test_a_list_field_refuses_what_is_no_list_or_too_long(value):
    field = StrictListField(child=StrictIntegerField(), max_length=3, code="list_invalid")

    assert refusal(field, value).code == "list_invalid"


def test_a_list_may_have_to_hold_something():
    field = StrictListField(child=StrictIntegerField(), allow_empty=False)

    assert refusal(field, []).code == "type_invalid"


def test_a_body_is_answered_as_checked_values():
    parent = uuid.uuid4()
    body = {"name": "alice", "note": None, "parent": str(parent), "items": [{"size": 3}]}

    assert BodySerializer.checked(body) == body | {"parent": parent}
    assert BodySerializer.checked({"name": "a"}) == {"name": "a"}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ([], "type_invalid", None),
        ("name", "type_invalid", None),
        (None, "type_invalid", None),
        (5, "type_invalid", None),
        ({}, "field_required", "name"),
        ({"name": "bob", "owner_id": 1}, "unknown_field", "owner_id"),
        ({"name": "bob", "$where": "1"}, "unknown_field", "$where"),
        ({"name": {"$ne": None}}, "name_invalid", "name"),
        ({"name": None}, "name_invalid", "name"),
        ({"name": "bob", "note": 5}, "type_invalid", "note"),
        ({"name": "bob", "items": [{"size": 1}, {"size": -1}]}, "size_invalid", "items.1.size"),
        ({"name": "bob", "items": [{"size": 1, "x": 1}]}, "unknown_field", "items.0.x"),
        ({"name": "bob", "items": [7]}, "type_invalid", "items.0"),
        ({"name": "bob", "items": [{}]}, "field_required", "items.0.size"),
        ({"name": "toolong", "items": [7]}, "name_invalid", "name"),
    ],
)
def test_the_first_problem_of_a_body_is_answered_with_its_place(body, code, field):
    with pytest.raises(Invalid) as caught:
        BodySerializer.checked(body)

    assert (caught.value.code, caught.value.field) == (code, field)


def test_an_unknown_field_is_named_printably():
    with pytest.raises(Invalid) as caught:
        BodySerializer.checked({"name": "bob", "\ud800" + "x" * 1000: 1})

    assert caught.value.field == "?" + "x" * 99


def test_an_empty_form_is_no_json(rf):
    form = rf.post("/").POST

    with pytest.raises(UnsupportedMediaType):
        BodySerializer.checked(form)


def test_what_a_serializer_answers_is_not_taken_as_input():
    class WithAnswer(StrictSerializer):
        id = UUIDField(read_only=True)
        name = StrictCharField()

    with pytest.raises(Invalid) as caught:
        WithAnswer.checked({"id": str(uuid.uuid4()), "name": "bob"})

    assert caught.value.code == "unknown_field"
