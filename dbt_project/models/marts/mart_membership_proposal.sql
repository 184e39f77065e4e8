-- Which schools a programme's rule puts on its list, year by year: union, intersection, or what people decided. A view,
-- because a decision comes between calculations.
{{ config(materialized='view') }}

with

rule as (

    select
        programme_code,
        year_from,
        coalesce(year_to, year_from + 1000) as year_to,
        combination,
        cast(method_codes as jsonb) as method_codes,
        with_adverse_context,
        label_key
    from {{ ref('programme_list_rule') }}

),

identification as (

    select * from {{ ref('mart_identification') }}

),

label as (

    select
        label_key,
        programme_code as only_programme,
        year_from as label_from,
        year_to as label_to,
        label_ru
    from {{ ref('method_label') }}

),

-- The programme's own name of the category wins over the common one.
named_rule as (

    select distinct on (rule.programme_code, rule.year_from, named.year)
        rule.*,
        named.year,
        label.label_ru
    from rule
    inner join (select distinct year from identification) as named
        on named.year between rule.year_from and rule.year_to
    left join label
        on
            rule.label_key = label.label_key
            and rule.programme_code = coalesce(label.only_programme, rule.programme_code)
            and named.year between coalesce(label.label_from, named.year) and coalesce(label.label_to, named.year)
    order by rule.programme_code asc, rule.year_from asc, named.year asc, label.only_programme asc nulls last

),

gathered as (

    select
        named_rule.year,
        named_rule.programme_code,
        named_rule.combination,
        named_rule.with_adverse_context,
        named_rule.label_ru,
        jsonb_array_length(named_rule.method_codes) as n_methods,
        identification.school_id,
        max(identification.school_code) as school_code,
        max(identification.login) as login,
        max(identification.school_name) as school_name,
        max(identification.municipality_name) as municipality_name,
        max(identification.school_label) as school_label,
        max(identification.municipality_code) as municipality_code,
        max(identification.school_kind) as school_kind,
        max(identification.calculation_id) as calculation_id,
        bool_or(identification.is_adverse_context) as is_adverse_context,
        count(*) filter (
            where named_rule.method_codes ? identification.method_code and identification.is_low_results
        ) as n_methods_low,
        coalesce(
            array_agg(identification.method_code order by identification.method_code collate "C") filter (
                where named_rule.method_codes ? identification.method_code and identification.is_low_results
            ),
            '{}'
        ) as methods_low,
        bool_or(identification.decided_status = 'included') filter (
            where named_rule.method_codes ? identification.method_code
            or jsonb_array_length(named_rule.method_codes) = 0
        ) as is_included_by_decision,
        max(identification.decision_document) filter (where identification.decided_status = 'included')
            as decision_document
    from named_rule
    inner join identification on named_rule.year = identification.year
    group by
        named_rule.year,
        named_rule.programme_code,
        named_rule.combination,
        named_rule.with_adverse_context,
        named_rule.label_ru,
        named_rule.method_codes,
        identification.school_id

),

judged as (

    select
        gathered.*,
        case combination
            when 'union' then n_methods_low > 0
            when 'intersection' then n_methods > 0 and n_methods_low = n_methods
            when 'manual' then coalesce(is_included_by_decision, false)
        end as is_by_results,
        with_adverse_context and coalesce(is_adverse_context, false) as is_by_context
    from gathered

)

select
    year,
    programme_code,
    school_id,
    school_code,
    login,
    school_name,
    municipality_name,
    school_label,
    municipality_code,
    school_kind,
    combination,
    methods_low,
    is_by_results,
    is_by_context,
    label_ru,
    case when combination = 'manual' then decision_document end as decision_document,
    calculation_id
from judged
where is_by_results or is_by_context
