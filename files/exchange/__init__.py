"""An installation as files: taken out of any database and any nodes, put into any others.

The layout of an export is in docs/design.md. Nothing here knows which database or node it talks to.
"""
