"""Keys of MongoDB as text, for the tables of libraries that put keys into sessions and addresses,
where an ObjectId can't go.
"""

from typing import Any

from bson import ObjectId
from django_mongodb_backend.fields import ObjectIdAutoField


class TextObjectIdAutoField(ObjectIdAutoField):
    """An ObjectId in the database, its 24 hex digits in Python."""

    def to_python(self, value: Any) -> str | None:
        """Raises ValidationError."""
        known = super().to_python(value)
        return None if known is None else str(known)

    def get_prep_value(self, value: Any) -> ObjectId | None:
        known: ObjectId | None = ObjectIdAutoField.to_python(self, value)
        return known

    def from_db_value(self, value: ObjectId | None, *_: Any) -> str | None:
        return self.to_python(value)
