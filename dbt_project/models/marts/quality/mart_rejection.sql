-- Which rules the rows broke, how often and whose rows they were; never what stands in a row.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ clear_of_years() }}",
    indexes=[{'columns': ['year', 'source']}]
) }}

with

part as (

    select
        part_id,
        year
    from {{ source('ops', 'source_part') }}
    where in_force and {{ of_years('year') }}

),

finding as (

    select * from {{ source('ops', 'row_finding') }}

),

whose as (

    select * from {{ ref('int_finding_municipality') }}

),

municipality as (

    select
        municipality_code,
        min(municipality_name) as municipality_name
    from {{ ref('dim_municipality') }}
    where municipality_code is not null
    group by municipality_code

),

-- The words of a rule are those of its last check; they say what is asked of a row, not what stands in one.
rule as (

    select distinct on (expectation_id)
        expectation_id,
        message
    from {{ source('ops', 'expectation_result') }}
    order by expectation_id asc, validated_at desc

),

title as (

    {{ source_titles() }}

),

counted as (

    select
        part.year,
        finding.source,
        finding.expectation_id,
        finding.severity,
        whose.municipality_code,
        count(distinct finding.part_id || ':' || finding.row_no) as n_rows,
        count(distinct finding.file_id) as n_files
    from finding
    inner join part on finding.part_id = part.part_id
    left join whose on finding.part_id = whose.part_id and finding.row_no = whose.row_no
    group by part.year, finding.source, finding.expectation_id, finding.severity, whose.municipality_code

)

select
    counted.year,
    counted.source,
    title.source_title,
    counted.expectation_id as rule_code,
    coalesce(rule.message, 'Правило ' || counted.expectation_id) as rule_title,
    counted.severity,
    case counted.severity when 'critical' then 'строка отклонена' else 'строка принята с предупреждением' end
        as severity_title,
    counted.municipality_code,
    municipality.municipality_name,
    cast(counted.n_rows as integer) as n_rows,
    cast(counted.n_files as integer) as n_files,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from counted
left join title on counted.source = title.source
left join rule on counted.expectation_id = rule.expectation_id
left join municipality on counted.municipality_code = municipality.municipality_code
