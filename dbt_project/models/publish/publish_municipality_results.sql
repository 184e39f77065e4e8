-- Results of the region and its municipalities for everyone: rounded numbers of participants, shares in bands, small
-- cells hidden so that no subtraction from the region gives them back.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}"
) }}

with

policy as (

    select * from {{ ref('suppression_policy') }}
    where audience = 'public'

),

municipal as (

    select * from {{ ref('int_municipality_procedure') }}
    where {{ method_in_span('year') }}

),

region as (

    select
        year,
        procedure_code,
        sum(n_participants) as n_participants,
        sum(n_below_min) as n_below_min
    from {{ ref('fct_school_procedure') }}
    where {{ method_in_span('year') }} and n_participants > 0 and n_below_min is not null
    group by year, procedure_code

),

known as (

    select
        year,
        procedure_code,
        sum(n_participants) as n_participants
    from municipal
    group by year, procedure_code

),

-- Pupils whose municipality is not known are a part of the region too: a cell that is never shown.
cell as (

    select
        year,
        procedure_code,
        municipality_id,
        municipality_code,
        municipality_name,
        n_participants,
        n_below_min,
        false as is_rest
    from municipal
    union all
    select
        region.year,
        region.procedure_code,
        '' as municipality_id,
        null as municipality_code,
        null as municipality_name,
        region.n_participants - coalesce(known.n_participants, 0) as n_participants,
        null as n_below_min,
        true as is_rest
    from region
    left join known on region.year = known.year and region.procedure_code = known.procedure_code
    where region.n_participants > coalesce(known.n_participants, 0)

),

judged as (

    select
        cell.*,
        {{ suppress_hidden(
            'cell.n_participants', 'cell.is_rest', 'cell.year, cell.procedure_code', 'cell.municipality_id'
        ) }} as is_hidden
    from cell
    cross join policy

),

listed as (

    select
        year,
        procedure_code,
        'municipality' as area_kind,
        municipality_id,
        municipality_code,
        municipality_name,
        n_participants,
        n_below_min,
        is_hidden
    from judged
    where not is_rest
    union all
    select
        region.year,
        region.procedure_code,
        'region' as area_kind,
        null as municipality_id,
        null as municipality_code,
        null as municipality_name,
        region.n_participants,
        region.n_below_min,
        region.n_participants < policy.min_n as is_hidden
    from region
    cross join policy

),

banded as (

    select
        listed.*,
        policy.min_n,
        policy.rounding_base,
        {{ suppress_width('listed.n_participants') }} as width
    from listed
    cross join policy

),

measured as (

    select
        year,
        procedure_code,
        area_kind,
        municipality_id,
        municipality_code,
        municipality_name,
        is_hidden,
        min_n,
        rounding_base,
        case when not is_hidden then {{ suppress_round('n_participants', 'banded') }} end as n_participants_rounded,
        case when not is_hidden then width end as width,
        case when not is_hidden then {{ suppress_band_from('n_below_min', 'n_participants', 'width') }} end
            as percent_from
    from banded

)

select
    measured.year,
    measured.procedure_code,
    procedure.title_ru as procedure_title,
    procedure.exam,
    measured.area_kind,
    measured.municipality_id,
    measured.municipality_code,
    measured.municipality_name,
    measured.is_hidden,
    measured.n_participants_rounded,
    measured.percent_from,
    measured.percent_from + measured.width as percent_to,
    case
        when measured.is_hidden then 'скрыто: мало участников'
        when measured.percent_from = 0 then 'меньше ' || measured.width || ' %'
        when measured.percent_from + measured.width = 100 then 'не меньше ' || measured.percent_from || ' %'
        else 'от ' || measured.percent_from || ' до ' || measured.percent_from + measured.width || ' %'
    end as share_text,
    -- One rule for all that is hidden: which of its halves hid a cell would tell about the others.
    case
        when measured.is_hidden
            then 'Скрыто: участников меньше ' || measured.min_n || ' здесь или там, откуда это число можно вычислить'
        else 'Число округлено до ' || measured.rounding_base || ', доля — с точностью до ' || measured.width || ' п. п.'
    end as rule_text
from measured
left join {{ ref('dim_procedure') }} as procedure on measured.procedure_code = procedure.procedure_code
