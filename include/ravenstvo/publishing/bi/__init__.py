"""Dashboards as files: read, checked against the dictionary of the marts, made into what Superset imports, and back."""
