-- Approved lists as they were approved. A view over tables that later calculations only add to, never change.
{{ config(materialized='view') }}

with

publication as (

    select * from {{ source('ops', 'publication') }}

),

decision as (

    select * from {{ source('history', 'decision') }}

),

history as (

    select * from {{ source('history', 'history_identification') }}

)

select
    decision.year,
    decision.method_code,
    decision.school_id,
    decision.school_code,
    decision.login,
    decision.school_name,
    decision.municipality_name,
    decision.decided_status,
    decision.decided_by,
    decision.decided_at,
    decision.decision_document,
    decision.reason,
    history.method_version,
    decision.is_low_results_computed as is_low_results,
    history.status,
    history.n_procedures,
    history.n_low_procedures,
    history.low_procedures,
    history.n_participants_total,
    history.evidence_grade,
    history.probability_low,
    history.is_fragile,
    history.years_identified,
    publication.superseded_by is null as is_in_force,
    publication.document as publication_document,
    publication.publication_id,
    publication.calculation_id
from decision
inner join publication on decision.publication_id = publication.publication_id
left join history
    on
        publication.calculation_id = history.calculation_id
        and decision.year = history.year
        and decision.school_id = history.school_id
        and decision.method_code = history.method_code
