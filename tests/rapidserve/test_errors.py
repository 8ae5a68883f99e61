import inspect

import pytest

from rapidserve import errors

TREE = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.RapidServeError) and error is not errors.RapidServeError
]


@pytest.mark.parametrize("error", TREE)
def test_every_error_is_an_http_answer_that_the_drawing_shows(error):
    assert 400 <= error.status < 600
    assert error.__name__ in errors.__doc__
    assert str(error.status) in errors.__doc__


def test_the_body_has_the_documented_shape():
    error = errors.Conflict("Taken.", code="name_taken", field="name", facts={"id": "1"})

    assert error.as_dict("r-1") == {
        "error": {
            "code": "name_taken",
            "message": "Taken.",
            "field": "name",
            "hint": None,
            "request_id": "r-1",
            "id": "1",
        }
    }


def test_without_a_code_the_class_speaks_for_itself():
    assert errors.Stale("Changed meanwhile.").code == "stale"


def test_unknown_and_invisible_are_the_same_answer():
    assert errors.NotFound().as_dict("r") == errors.NotFound().as_dict("r")
    assert errors.NotFound().message
