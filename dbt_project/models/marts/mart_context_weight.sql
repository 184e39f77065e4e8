-- Weights of every version of every context index, as they were computed for the year.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'index_code', 'index_version', 'input_code'], 'unique': true}]
) }}

select
    weight.year,
    weight.index_code,
    weight.index_version,
    weight.input_code,
    input.title_ru as input_title,
    weight.weight,
    weight.mean,
    weight.sd,
    weight.n_schools,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from {{ source('estimates', 'estimate_context_weight') }} as weight
left join {{ ref('context_input') }} as input on weight.input_code = input.input_code
where {{ method_in_span('weight.year') }}
