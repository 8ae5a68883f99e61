"""Notes that a session is in use, for the list of where one is signed in."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.sessions import KEY, note_use


class SignInMiddleware:
    """After Django's own, which say whose session it is. Requests without one cost nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.session.accessed and KEY in request.session:
            note_use(request)
        return response
