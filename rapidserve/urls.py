"""Every address Django answers. Bytes are served by the delivery plane, under /d/."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns = [
    path("api/", include("accounts.api.urls")),
    path("api/", include("files.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=()), name="schema"),
    path(
        "api/docs/",
        # Split: the content security policy stops the script that the other view writes inline.
        SpectacularSwaggerSplitView.as_view(url_name="schema", permission_classes=()),
        name="docs",
    ),
    path("admin/", admin.site.urls),
    path("", include("accounts.web.urls")),
    path("", include("files.web.urls")),
]

handler400 = "rapidserve.api.handler.bad_request"
handler403 = "rapidserve.api.handler.permission_denied"
handler404 = "rapidserve.api.handler.not_found"
handler500 = "rapidserve.api.handler.server_error"
