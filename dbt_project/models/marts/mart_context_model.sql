-- What the model of expected results came to: everyone may see what it rests on.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['year', 'model_code', 'term'], 'unique': true}]
) }}

with

model as (

    select
        model_code,
        model_version,
        title_ru,
        is_default
    from {{ ref('context_model') }}

),

estimated as (

    select * from {{ source('estimates', 'estimate_context_model') }}
    where {{ method_in_span('year') }}

)

select
    estimated.year,
    estimated.model_code,
    estimated.model_version,
    model.title_ru as model_title,
    model.is_default,
    estimated.term,
    case
        when estimated.term = 'intercept' then 'Свободный член'
        when estimated.term = 'index' then 'Индекс условий, на один балл'
        when estimated.term = 'rural' then 'Сельская школа'
        when estimated.term = 'log_pupils' then 'Логарифм числа обучающихся'
        when estimated.term like 'kind:%' then 'Вид школы: ' || substr(estimated.term, 6)
    end as term_title,
    estimated.coefficient,
    estimated.standard_error,
    estimated.r_squared,
    estimated.n_schools,
    estimated.n_participants,
    estimated.index_code,
    estimated.index_version,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from estimated
left join model
    on
        estimated.model_code = model.model_code
        and estimated.model_version = model.model_version
