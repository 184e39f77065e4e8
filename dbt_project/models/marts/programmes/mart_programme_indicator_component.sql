-- Parts of indicators that consist of several: each post, each side of a monitoring, each kind of partner.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    post_hook='analyze {{ this }}',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{
        'columns': [
            'programme_code', 'indicator_code', 'version', 'period', 'component', 'territory_kind', 'territory_code'
        ],
        'unique': true
    }]
) }}

select
    year,
    programme_code,
    indicator_code,
    version,
    period,
    component,
    territory_kind,
    territory_code,
    numerator,
    denominator,
    value,
    completeness,
    calculation_id
from {{ ref('fct_indicator_value') }}
where {{ method_in_span('year') }} and component <> ''
