import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from rapidserve.observability.requests import (
    RequestIdMiddleware,
    current_request_id,
    request_id_from,
)


@given(st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True))
def test_an_id_that_is_fit_to_be_echoed_is_kept(offered):
    assert request_id_from(offered) == offered


@pytest.mark.parametrize("offered", [None, "", "a b", "a\n", "x" * 65, "é", "<script>", "a/b"])
def test_any_other_is_replaced_by_a_new_one(offered):
    first, second = request_id_from(offered), request_id_from(offered)

    assert first != second
    assert request_id_from(first) == first


def test_the_request_the_answer_and_the_log_have_the_same_id():
    seen = {}

    def view(request):
        seen["request"] = request.request_id
        seen["log"] = current_request_id.get()
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Request-ID": "mine-1"})

    answer = RequestIdMiddleware(view)(request)

    assert seen == {"request": "mine-1", "log": "mine-1"}
    assert answer["X-Request-ID"] == "mine-1"
    assert current_request_id.get() == ""
