-- How the categories are called, by year and programme.
{{ config(alias='dim_method_label', materialized='table') }}

select
    label_key,
    programme_code,
    year_from,
    year_to,
    label_ru,
    label_plural_ru,
    source
from {{ ref('method_label') }}
