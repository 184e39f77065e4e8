-- Every procedure of every municipality beside the region, over pupils.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'municipality_id', 'procedure_code'], 'unique': true}]
) }}

with

municipal as (

    select * from {{ ref('int_municipality_procedure') }}
    where {{ method_in_span('year') }}

),

region as (

    select
        year,
        procedure_code,
        sum(n_participants) as n_participants,
        sum(n_below_min) as n_below_min,
        sum(cast(n_participants as numeric) * cast(mean_score as numeric))
        / nullif(sum(n_participants) filter (where mean_score is not null), 0) as mean_score
    from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }} and n_participants > 0 and n_below_min is not null
    group by year, procedure_code

),

verdict as (

    select
        year,
        municipality_id,
        method_code,
        is_low_municipality
    from {{ ref('mart_municipality_identification') }}
    where {{ method_in_span('year') }} and is_default

),

method as (

    select
        year,
        method_code,
        interval_z
    from {{ ref('int_method_in_year') }}
    where kind = 'municipality' and cast(parameters ->> 'is_default' as boolean)

),

procedure as (

    select
        procedure_code,
        title_ru,
        exam
    from {{ ref('dim_procedure') }}

),

measured as (

    select
        municipal.year,
        municipal.municipality_id,
        municipal.municipality_code,
        municipal.municipality_name,
        municipal.procedure_code,
        municipal.n_schools,
        municipal.n_participants,
        municipal.n_below_min,
        municipal.mean_score,
        cast(municipal.n_below_min as double precision) / municipal.n_participants as share_below_min,
        cast(region.n_below_min as double precision) / region.n_participants as regional_share,
        region.mean_score as regional_mean_score,
        {{ wilson_low('municipal.n_below_min', 'municipal.n_participants', 'method.interval_z') }} as ci_low,
        {{ wilson_high('municipal.n_below_min', 'municipal.n_participants', 'method.interval_z') }} as ci_high
    from municipal
    inner join region
        on municipal.year = region.year and municipal.procedure_code = region.procedure_code
    inner join method on municipal.year = method.year

)

select
    measured.year,
    measured.municipality_id,
    measured.municipality_code,
    measured.municipality_name,
    measured.procedure_code,
    procedure.title_ru as procedure_title,
    procedure.exam,
    cast(measured.n_schools as integer) as n_schools,
    cast(measured.n_participants as integer) as n_participants,
    cast(measured.n_below_min as integer) as n_below_min,
    measured.share_below_min,
    measured.regional_share,
    measured.share_below_min - measured.regional_share as gap,
    measured.ci_low,
    measured.ci_high,
    measured.ci_low > measured.regional_share as is_low,
    case
        when measured.ci_low > measured.regional_share then 'above'
        when measured.ci_high < measured.regional_share then 'below'
        else 'within'
    end as regional_position,
    cast(measured.mean_score as double precision) as mean_score,
    cast(measured.mean_score - measured.regional_mean_score as double precision) as gap_mean_score,
    verdict.is_low_municipality,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from measured
left join verdict
    on measured.year = verdict.year and measured.municipality_id = verdict.municipality_id
left join procedure on measured.procedure_code = procedure.procedure_code
