"""Django's own apps with MongoDB's kind of key: theirs name an automatic integer, which it has
not.
"""

from allauth.account.apps import AccountConfig
from allauth.mfa.apps import MFAConfig
from allauth.socialaccount.apps import SocialAccountConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.apps import AuthConfig
from django.contrib.contenttypes.apps import ContentTypesConfig
from guardian.apps import GuardianConfig

OBJECT_ID = "django_mongodb_backend.fields.ObjectIdAutoField"
AS_TEXT = "rapidserve.mongo.fields.TextObjectIdAutoField"


class MongoAdminConfig(AdminConfig):
    default_auto_field = OBJECT_ID


class MongoAuthConfig(AuthConfig):
    default_auto_field = OBJECT_ID


class MongoGuardianConfig(GuardianConfig):
    default_auto_field = OBJECT_ID


class MongoContentTypesConfig(ContentTypesConfig):
    default_auto_field = OBJECT_ID


class MongoAccountConfig(AccountConfig):
    default_auto_field = AS_TEXT


class MongoMFAConfig(MFAConfig):
    default_auto_field = AS_TEXT


class MongoSocialAccountConfig(SocialAccountConfig):
    default_auto_field = AS_TEXT
