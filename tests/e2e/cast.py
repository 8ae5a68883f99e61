"""Who signs in to the servers that the tests start."""

OWNER = "alice"
PASSWORD = "correct horse battery staple"
