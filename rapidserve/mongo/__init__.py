"""The database engine for MongoDB: MongoDB's own `django_mongodb_backend`, made to keep Django's
promises: transactions that roll back, errors that say what they mean, queries that use indexes.
"""
