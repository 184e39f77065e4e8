"""Telling people: what failed, what was not delivered, which letters wait to be sent.

``watched`` is what DAGs use and imports nothing at parse; ``callbacks`` is what Airflow calls; ``papers`` says it in
words; ``outbox`` keeps what is to be said until ``channels`` have sent it.
"""
