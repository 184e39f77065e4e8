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

),

-- Kept from calculation to calculation, so the view outlives them; what the schools are called in it is of today.
identification as (

    select
        year,
        school_id,
        method_code,
        school_label,
        municipality_code,
        school_kind
    from {{ ref('mart_identification') }}

),

title as (

    select
        year,
        method_code,
        max(method_title) as method_title
    from {{ ref('mart_identification') }}
    group by year, method_code

)

select
    decision.year,
    decision.method_code,
    decision.school_id,
    decision.school_code,
    decision.login,
    decision.school_name,
    decision.municipality_name,
    title.method_title,
    coalesce(
        identification.school_label,
        {{ school_label(
            'coalesce(decision.school_code, decision.login)', 'decision.school_name', 'decision.municipality_name'
        ) }}
    ) as school_label,
    identification.municipality_code,
    identification.school_kind,
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
    {{ procedure_titles('history.low_procedures') }} as low_procedures_title,
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
left join identification
    on
        decision.year = identification.year
        and decision.school_id = identification.school_id
        and decision.method_code = identification.method_code
left join title
    on
        decision.year = title.year
        and decision.method_code = title.method_code
