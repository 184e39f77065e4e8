-- What: the counts and the list of mart_identification are those of its evidence rows, and the list is sorted (methods
-- of kind low_share, whose verdict rests on procedures).
-- When it matters: always; a school must not be on the list for procedures that cannot be shown.
-- How to resolve: one of the two tables was rebuilt without the other. Run the marts stage for the year again;
-- if it stays, the two models read different rows.
with

evidence as (

    select
        year,
        school_id,
        method_code,
        count(*) filter (where n_participants > 0 and not is_excluded) as n_procedures,
        count(*) filter (where is_low) as n_low_procedures,
        count(*) filter (where is_repeated) as n_repeated_procedures,
        sum(n_participants) filter (where not is_excluded) as n_participants_total,
        coalesce(array_agg(procedure_code order by procedure_code collate "C") filter (where is_low), '{}') as low_list,
        coalesce(
            array_agg(procedure_code order by procedure_code collate "C") filter (where is_repeated), '{}'
        ) as repeated_list
    from {{ ref('mart_identification_evidence') }}
    where {{ method_in_span('year') }}
    group by year, school_id, method_code

),

verdict as (

    select identification.*
    from {{ ref('mart_identification') }} as identification
    inner join {{ ref('dim_method') }} as method
        on
            identification.method_code = method.method_code
            and identification.method_version = method.method_version
    where {{ method_in_span('identification.year') }} and method.kind = 'low_share'

),

method as (

    select * from {{ ref('dim_method') }}
    where kind = 'low_share'

)

select
    coalesce(verdict.year, evidence.year) as year,
    coalesce(verdict.school_id, evidence.school_id) as school_id,
    coalesce(verdict.method_code, evidence.method_code) as method_code
from verdict
full outer join evidence
    on
        verdict.year = evidence.year
        and verdict.school_id = evidence.school_id
        and verdict.method_code = evidence.method_code
left join method on verdict.method_code = method.method_code and verdict.method_version = method.method_version
where
    verdict.school_id is null
    or verdict.n_procedures <> coalesce(evidence.n_procedures, 0)
    or verdict.n_low_procedures <> coalesce(evidence.n_low_procedures, 0)
    or verdict.n_repeated_procedures <> coalesce(evidence.n_repeated_procedures, 0)
    or verdict.n_participants_total <> coalesce(evidence.n_participants_total, 0)
    or verdict.low_procedures <> coalesce(
        case when method.condition = 'repeated' then evidence.repeated_list else evidence.low_list end, '{}'
    )
