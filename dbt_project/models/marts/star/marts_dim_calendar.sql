-- A copy, not a view: the core table is replaced at every calculation, and a view over it would vanish for that time.
{{ config(alias='dim_calendar', materialized='table') }}

select
    date_day,
    year,
    quarter,
    month,
    weekday,
    school_year_from,
    school_year
from {{ ref('dim_calendar') }}
