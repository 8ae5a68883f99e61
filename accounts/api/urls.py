"""Under /api/."""

from django.urls import path

from accounts.api import schema, views  # noqa: F401 - schema registers itself

urlpatterns = [
    path("auth/token", views.TokenView.as_view(), name="api-token"),
    path("auth/me", views.MeView.as_view(), name="api-me"),
    path("auth/tokens", views.TokensView.as_view(), name="api-tokens"),
    path("auth/tokens/<str:token_id>", views.OneTokenView.as_view(), name="api-one-token"),
    path("auth/sessions", views.SessionsView.as_view(), name="api-sessions"),
    path("auth/sessions/<str:session_id>", views.SessionView.as_view(), name="api-session"),
    path("groups", views.GroupsView.as_view(), name="api-groups"),
    path("users", views.PeopleView.as_view(), name="api-people"),
]
