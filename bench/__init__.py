"""How fast RapidServe is, beside other servers on the same machine: `make bench`."""
