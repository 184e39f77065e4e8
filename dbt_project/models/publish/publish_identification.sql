-- How many schools each method finds, for everyone: of the schools of which enough pupils are known, rounded; in a
-- municipality a band, and only where there are enough schools. Where the list is approved, it is open school by
-- school: the numbers are those of the list, and nothing is hidden that the list tells. A view, because lists are
-- approved between calculations.
{{ config(materialized='view') }}

with

policy as (

    select * from {{ ref('suppression_policy') }}
    where audience = 'public'

),

decision as (

    select
        year,
        method_code,
        school_id,
        decided_status = 'included' as is_listed
    from {{ ref('mart_identification_published') }}
    where is_in_force

),

approved as (

    select distinct
        year,
        method_code
    from decision

),

-- Methods that judge results; schools without a verdict are in no count, but in an approved list each school is.
school as (

    select
        identification.year,
        identification.method_code,
        identification.method_title,
        identification.is_list_method,
        identification.municipality_code,
        identification.municipality_name,
        approved.year is not null as is_approved,
        case
            when approved.year is not null then coalesce(decision.is_listed, false) else identification.is_low_results
        end as is_low_results,
        coalesce(publishable.is_enough, false) as is_enough
    from {{ ref('mart_identification') }} as identification
    left join {{ ref('int_publishable_school') }} as publishable
        on
            identification.year = publishable.year
            and identification.school_id = publishable.school_id
            and identification.method_code = publishable.method_code
    left join approved
        on
            identification.year = approved.year
            and identification.method_code = approved.method_code
    left join decision
        on
            identification.year = decision.year
            and identification.method_code = decision.method_code
            and identification.school_id = decision.school_id
    where identification.is_low_results is not null or approved.year is not null

),

region as (

    select
        year,
        method_code,
        max(method_title) as method_title,
        bool_or(is_list_method) as is_list_method,
        bool_or(is_approved) as is_approved,
        count(*) filter (where is_enough) as n_schools,
        count(*) filter (where is_enough and is_low_results) as n_low,
        count(*) filter (where not is_enough) as n_insufficient
    from school
    group by year, method_code

),

cell as (

    select
        year,
        method_code,
        coalesce(municipality_code, '') as municipality_code,
        municipality_code is null as is_rest,
        max(method_title) as method_title,
        bool_or(is_list_method) as is_list_method,
        bool_or(is_approved) as is_approved,
        max(municipality_name) as municipality_name,
        count(*) as n_schools,
        count(*) filter (where is_low_results) as n_low
    from school
    where is_enough
    group by year, method_code, municipality_code

),

judged as (

    select
        cell.*,
        not cell.is_approved
        and {{ suppress_hidden(
            'cell.n_schools', 'cell.is_rest', 'cell.year, cell.method_code', 'cell.municipality_code'
        ) }} as is_hidden
    from cell
    cross join policy

),

listed as (

    select
        year,
        method_code,
        method_title,
        is_list_method,
        is_approved,
        'municipality' as area_kind,
        municipality_code,
        municipality_name,
        n_schools,
        n_low,
        cast(null as bigint) as n_insufficient,
        is_hidden
    from judged
    where not is_rest
    union all
    select
        region.year,
        region.method_code,
        region.method_title,
        region.is_list_method,
        region.is_approved,
        'region' as area_kind,
        null as municipality_code,
        null as municipality_name,
        region.n_schools,
        region.n_low,
        region.n_insufficient,
        region.n_schools = 0 or (region.n_schools < policy.min_n and not region.is_approved) as is_hidden
    from region
    cross join policy

),

banded as (

    select
        listed.*,
        policy.min_n,
        policy.rounding_base,
        -- Below the first band only an approved list is shown: in the widest one.
        coalesce({{ suppress_width('listed.n_schools') }}, {{ suppress_widest() }}) as width
    from listed
    cross join policy

),

measured as (

    select
        year,
        method_code,
        method_title,
        is_list_method,
        is_approved,
        area_kind,
        municipality_code,
        municipality_name,
        is_hidden,
        min_n,
        rounding_base,
        case when not is_hidden then {{ suppress_round('n_schools', 'banded') }} end as n_schools_rounded,
        case when not is_hidden and area_kind = 'region' then {{ suppress_round('n_low', 'banded') }} end
            as n_low_rounded,
        case when area_kind = 'region' then {{ suppress_round('n_insufficient', 'banded') }} end
            as n_insufficient_rounded,
        case when not is_hidden then width end as width,
        case when not is_hidden then {{ suppress_band_from('n_low', 'n_schools', 'width') }} end as percent_from
    from banded

)

select
    year,
    method_code,
    method_title,
    is_list_method,
    area_kind,
    municipality_code,
    municipality_name,
    is_hidden,
    n_schools_rounded,
    n_low_rounded,
    n_insufficient_rounded,
    percent_from,
    percent_from + width as percent_to,
    case
        when is_hidden then 'скрыто: мало школ'
        when percent_from = 0 then 'меньше ' || width || ' %'
        when percent_from + width = 100 then 'не меньше ' || percent_from || ' %'
        else 'от ' || percent_from || ' до ' || percent_from + width || ' %'
    end as share_text,
    -- One rule for all that is hidden: which of its halves hid a cell would tell about the others.
    case
        when is_hidden
            then 'Скрыто: школ меньше ' || min_n || ' здесь или там, откуда это число можно вычислить'
        when is_approved
            then
                'Перечень утверждён и открыт: по нему. Число округлено до ' || rounding_base
                || ', доля — с точностью до ' || width || ' п. п.'
        else 'Число округлено до ' || rounding_base || ', доля — с точностью до ' || width || ' п. п.'
    end as rule_text
from measured
