-- What people decided in the approvals that no later approval of the same year and method replaced.
{{ config(materialized='table') }}

select
    decision.year,
    decision.school_id,
    decision.method_code,
    decision.decided_status,
    decision.decided_by,
    decision.decided_at,
    decision.decision_document,
    decision.reason,
    decision.publication_id,
    publication.calculation_id
from {{ source('history', 'decision') }} as decision
inner join {{ source('ops', 'publication') }} as publication
    on decision.publication_id = publication.publication_id
where publication.superseded_by is null
