-- Methods; the parameters of kind low_share and the measures of evidence as typed columns. Other kinds read theirs from
-- `parameters`. The marts read rules from here and hold none themselves.
with

method as (

    select
        method_code,
        method_version,
        kind,
        title_ru,
        label_ru,
        valid_from_year,
        valid_to_year,
        cast(parameters as jsonb) as parameters,
        source,
        is_proposal
    from {{ ref('method') }}

),

evidence as (

    select * from {{ ref('method_evidence') }}

),

typed as (

    select
        method.*,
        cast(method.parameters ->> 'threshold_numerator' as integer) as threshold_numerator,
        cast(method.parameters ->> 'threshold_denominator' as integer) as threshold_denominator,
        method.parameters ->> 'condition' as condition,
        cast(method.parameters ->> 'min_procedures' as integer) as min_procedures,
        cast(method.parameters ->> 'min_repeated' as integer) as min_repeated,
        cast(method.parameters ->> 'min_participants' as integer) as min_participants,
        method.parameters ->> 'attempt' as attempt,
        cast(method.parameters ->> 'partial_counts' as boolean) as partial_counts,
        method.parameters ->> 'evidence_code' as evidence_code,
        cast(method.parameters ->> 'exclude_flagged' as boolean) as exclude_flagged,
        nullif(method.parameters -> 'excluded_markers', 'null') as excluded_markers,
        method.parameters -> 'procedures' as procedures
    from method

)

select
    typed.method_code,
    typed.method_version,
    typed.kind,
    typed.title_ru,
    typed.label_ru,
    typed.valid_from_year,
    typed.valid_to_year,
    typed.parameters,
    typed.source,
    typed.is_proposal,
    typed.threshold_numerator,
    typed.threshold_denominator,
    typed.condition,
    typed.min_procedures,
    typed.min_repeated,
    typed.min_participants,
    typed.attempt,
    typed.partial_counts,
    typed.procedures,
    coalesce(typed.exclude_flagged, false) as exclude_flagged,
    typed.excluded_markers,
    typed.evidence_code,
    evidence.interval_z,
    evidence.grade_a_min_participants,
    evidence.grade_b_min_participants,
    evidence.grade_c_min_pooled,
    evidence.pooled_years,
    evidence.min_participation_percent,
    evidence.exit_years
from typed
left join evidence on typed.evidence_code = evidence.evidence_code
