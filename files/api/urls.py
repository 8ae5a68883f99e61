"""Under /api/. No trailing slashes; ids are opaque strings, so that a wrong one is 404 like any."""

from django.urls import path

from files.api import access, downloads, entries, links, packs, search, spaces, trash, uploads

urlpatterns = [
    path("spaces", spaces.SpacesView.as_view(), name="api-spaces"),
    path("spaces/<str:space_id>", spaces.SpaceView.as_view(), name="api-space"),
    path("shared", access.SharedView.as_view(), name="api-shared"),
    path("search", search.SearchView.as_view(), name="api-search"),
    path("changes", spaces.ChangesView.as_view(), name="api-changes"),
    path("files", entries.FoldersView.as_view(), name="api-files"),
    path("files/<str:entry_id>", entries.EntryView.as_view(), name="api-entry"),
    path("files/<str:entry_id>/children", entries.ChildrenView.as_view(), name="api-children"),
    path("files/<str:entry_id>/access", access.AccessView.as_view(), name="api-access"),
    path(
        "files/<str:entry_id>/access/<str:subject>",
        access.GrantView.as_view(),
        name="api-grant",
    ),
    path("files/<str:entry_id>/links", links.EntryLinksView.as_view(), name="api-links"),
    path("links/<str:link_id>", links.LinkView.as_view(), name="api-link"),
    path("links/<str:link_id>/visits", links.LinkVisitsView.as_view(), name="api-visits"),
    path("s/<str:token>", links.PublicLinkView.as_view(), name="api-public-link"),
    path("s/<str:token>/grant", links.LinkGrantView.as_view(), name="api-link-grant"),
    path("files/<str:entry_id>/copy", entries.CopyView.as_view(), name="api-copy"),
    path("files/<str:entry_id>/content", downloads.ContentView.as_view(), name="api-content"),
    path("files/<str:entry_id>/versions", entries.VersionsView.as_view(), name="api-versions"),
    path(
        "files/<str:entry_id>/versions/<str:version_id>/restore",
        entries.RestoreVersionView.as_view(),
        name="api-restore-version",
    ),
    path("trash", trash.TrashView.as_view(), name="api-trash"),
    path("trash/<str:entry_id>", trash.TrashedEntryView.as_view(), name="api-trashed"),
    path("trash/<str:entry_id>/restore", trash.RestoreEntryView.as_view(), name="api-restore"),
    path("download/<str:entry_id>", downloads.DownloadView.as_view(), name="api-download"),
    path("upload/chunk/register", uploads.RegisterView.as_view(), name="api-register"),
    path("upload/pack", packs.PackView.as_view(), name="api-pack"),
    path("upload/<uuid:upload_id>", uploads.UploadView.as_view(), name="api-upload"),
    path("upload/<str:upload_id>/chunks", uploads.MoreChunksView.as_view(), name="api-chunks"),
    path("upload/<str:upload_id>/stored", uploads.StoredView.as_view(), name="api-stored"),
    path("upload/<str:upload_id>/complete", uploads.CompleteView.as_view(), name="api-complete"),
]
