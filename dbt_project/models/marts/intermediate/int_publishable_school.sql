-- Of which schools enough pupils are known to tell the public what a method says of them. That must not depend on the
-- verdict: else a hidden verdict would tell itself.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'school_id', 'method_code'], 'unique': true}]
) }}

with

policy as (

    select min_n from {{ ref('suppression_policy') }}
    where audience = 'public'

),

-- Pupils of several years and procedures of one subject; the smallest subject counts.
pooled as (

    select
        year,
        school_id,
        method_code,
        min(n_participants_pooled) as n_pooled
    from {{ ref('mart_identification_evidence') }}
    where {{ method_in_span('year') }} and n_participants_pooled > 0
    group by year, school_id, method_code

)

select
    identification.year,
    identification.school_id,
    identification.method_code,
    coalesce(pooled.n_pooled, identification.n_participants_total) as n_pooled,
    coalesce(pooled.n_pooled, identification.n_participants_total, 0) >= policy.min_n as is_enough
from {{ ref('mart_identification') }} as identification
cross join policy
left join pooled
    on
        identification.year = pooled.year
        and identification.school_id = pooled.school_id
        and identification.method_code = pooled.method_code
where {{ method_in_span('identification.year') }}
