"""At the root of the site."""

from django.urls import path

from files.web import groups, links, selection, sharing, spaces, views

urlpatterns = [
    path("", views.home, name="home"),
    path("files/<str:entry_id>", views.folder, name="folder"),
    path("files/<str:entry_id>/new-folder", views.new_folder, name="new-folder"),
    path("files/<str:entry_id>/rename", views.rename, name="rename"),
    path("files/<str:entry_id>/trash", views.trash_entry, name="trash-entry"),
    path("files/<str:entry_id>/share", sharing.share, name="share"),
    path("shared", sharing.shared, name="shared"),
    path("s/<str:token>", links.link, name="link"),
    path("s/<str:token>/<str:entry_id>", links.link, name="link-entry"),
    path("spaces/new", spaces.new_space, name="new-space"),
    path("spaces/<str:space_id>/rename", spaces.rename_space, name="rename-space"),
    path("spaces/<str:space_id>/delete", spaces.delete_space, name="delete-space"),
    path("groups", groups.all_groups, name="groups"),
    path("groups/new", groups.new_group, name="new-group"),
    path("groups/<str:group_id>", groups.one_group, name="group"),
    path("groups/<str:group_id>/rename", groups.rename_group, name="rename-group"),
    path("groups/<str:group_id>/delete", groups.delete_group, name="delete-group"),
    path("search", views.search, name="search"),
    path("trash", views.trash_page, name="trash"),
    path("trash/<str:entry_id>/restore", views.restore, name="restore"),
    path("trash/<str:entry_id>/remove", views.remove, name="remove"),
    path("selection/move", selection.move, name="move"),
    path("selection/copy", selection.copy, name="copy"),
    path("selection/trash", selection.trash_entries, name="trash-entries"),
    path("selection/restore", selection.restore, name="restore-entries"),
    path("selection/remove", selection.remove, name="remove-entries"),
]
