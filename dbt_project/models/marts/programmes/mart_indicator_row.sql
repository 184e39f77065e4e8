-- The rows of the files that an indicator rests on.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    post_hook='analyze {{ this }}',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['programme_code', 'indicator_code', 'period']}]
) }}

select
    fact.year,
    fact.programme_code,
    fact.indicator_code,
    fact.version,
    fact.period,
    fact.role,
    fact.school_code,
    fact.municipality_code,
    fact.fact,
    fact.kind,
    fact.source,
    file.name as file_name,
    part.sheet,
    fact.row_no,
    fact.part_id,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from {{ ref('int_indicator_fact') }} as fact
inner join {{ source('ops', 'source_part') }} as part on fact.part_id = part.part_id
inner join {{ source('ops', 'source_file') }} as file on part.file_id = file.file_id
