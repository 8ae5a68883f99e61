"""At the root of the site."""

from django.urls import path

from files.web import views

urlpatterns = [
    path("", views.home, name="home"),
    path("files/<str:entry_id>", views.folder, name="folder"),
    path("files/<str:entry_id>/new-folder", views.new_folder, name="new-folder"),
    path("files/<str:entry_id>/rename", views.rename, name="rename"),
    path("files/<str:entry_id>/trash", views.trash_entry, name="trash-entry"),
    path("trash", views.trash_page, name="trash"),
    path("trash/<str:entry_id>/restore", views.restore, name="restore"),
    path("trash/<str:entry_id>/remove", views.remove, name="remove"),
]
