"""At the root of the site."""

from django.urls import path

from accounts.web import settings, views

urlpatterns = [
    path("login", views.SignInView.as_view(), name="login"),
    path("logout", views.SignOutView.as_view(), name="logout"),
    path("settings", settings.page, name="settings"),
    path("theme", views.choose_theme, name="theme"),
]
