"""A person approves the list of schools with low results: sees the proposal, answers, and the list is frozen."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, get_current_context, task
from ravenstvo.runtime.notifying.watched import watched


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params={
        "year": Param(None, type=["null", "integer"], title="Год кампании", description="Пусто — последний"),
        "method": Param(None, type=["null", "string"], title="Метод", description="Пусто — из справочника"),
    },
    doc_md=__doc__,
    tags=["ravenstvo"],
    # What a person has answered wrongly is not mended by repeating it.
    **watched(retries=0),
)
def list_approval() -> None:
    """Proposal → a person's answer → the list is frozen, or nothing is."""

    @task
    def propose() -> dict[str, Any]:
        """Put together what the person is shown: the list, counts, fragile cases, changes to the year before."""
        from ravenstvo.runtime import tasks

        context = get_current_context()
        return tasks.propose_list(context["params"], context["dag_run"].partition_key)

    @task
    def freeze(proposed: dict[str, Any]) -> str:
        """Freeze the list in the name of the person who answered."""
        from ravenstvo.runtime import tasks

        return tasks.freeze_list(proposed, get_current_context()["ti"].xcom_pull(task_ids="approve"))

    # Not directly below the approval, which skips what is there when the answer is no.
    @task(trigger_rule="none_failed")
    def tell(proposed: dict[str, Any]) -> str:
        """Say how it ended; a rejection freezes nothing."""
        from ravenstvo.runtime import tasks

        return tasks.list_outcome(proposed, get_current_context()["ti"].xcom_pull(task_ids="freeze"))

    proposed = propose()
    approval = ApprovalOperator(
        task_id="approve",
        subject="{{ ti.xcom_pull(task_ids='propose')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='propose')['body'] }}",
        params={
            "document": Param(None, type=["null", "string"], title="Документ", description="Без него не утвердить"),
            "decisions": Param(
                None, type=["null", "string"], title="Книга решений", description="Файл в папке decisions, если нужен"
            ),
            "replace": Param(False, type="boolean", title="Утвердить заново уже утверждённый расчёт"),
        },
    )
    frozen = freeze(proposed)
    proposed >> approval >> frozen >> tell(proposed)


list_approval()
