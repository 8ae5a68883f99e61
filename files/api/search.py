"""/api/search: entries by name, in everything one sees."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import MayUseFiles
from files.access.lookup import partly_visible_space, searched_spaces
from files.access.search import checked_text, place_from, place_values, search, words_of
from files.api.requests import actor_of, id_in
from files.api.serializers import EntrySerializer
from rapidserve.api.pagination import (
    PAGE_PARAMETERS,
    decode_cursor,
    encode_cursor,
    page_of,
    page_serializer,
    parse_limit,
)
from rapidserve.api.schema import errors


class SearchView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="search",
        parameters=[
            OpenApiParameter("q", str, required=True, description="Words that names hold."),
            OpenApiParameter("space", str, description="Without it: all the spaces you see."),
            *PAGE_PARAMETERS,
        ],
        responses={200: page_serializer(EntrySerializer), **errors(400, 401, 403, 404, 422)},
    )
    def get(self, request: Request) -> Response:
        """Files and folders by name. A page may be short, or empty, and have a next one."""
        actor = actor_of(request)
        space_id = id_in(request, "space")
        seen = [partly_visible_space(actor, space_id)] if space_id else searched_spaces(actor)
        text = checked_text(request.query_params.get("q", ""))
        limit = parse_limit(request.query_params.get("limit"))
        kind = f"search.{space_id}.{' '.join(words_of(text))}"
        cursor = request.query_params.get("cursor")
        after = None if cursor is None else place_from(decode_cursor(kind, cursor))
        found = search(actor, seen, text, after, limit)
        more = encode_cursor(kind, place_values(found.more)) if found.more else None
        results = EntrySerializer(found.entries, many=True, context={"actor": actor}).data
        return Response(page_of(results, more))
