"""What an API token may be used for. Pure.

A scope narrows a token below what its user may do; it never adds a right. Sessions have no scopes:
a signed-in person may do everything the roles allow.

files:read   GET and HEAD of files, spaces, downloads and changes; finding people
files:write  every other method there: uploading, moving, sharing, deleting; what lets others read
             (roles, links that show or send) takes files:read with it
account      listing and revoking one's own tokens
"""

FILES_READ = "files:read"
FILES_WRITE = "files:write"
ACCOUNT = "account"
ALL = (FILES_READ, FILES_WRITE, ACCOUNT)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def files_scope(method: str) -> str:
    """The scope that a request to the files API needs."""
    return FILES_READ if method in SAFE_METHODS else FILES_WRITE
