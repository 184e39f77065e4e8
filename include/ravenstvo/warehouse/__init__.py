"""The one door to PostgreSQL: embedded server, connections, migrations of `ops` and `landing`."""
