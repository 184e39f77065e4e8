with day as (
    select cast(day as date) as date_day
    from generate_series(
        cast('{{ var("calendar_from") }}' as date), cast('{{ var("calendar_to") }}' as date), interval '1 day'
    ) as day
),

final as (
    select
        date_day,
        cast(extract(year from date_day) as integer) as year,
        cast(extract(quarter from date_day) as integer) as quarter,
        cast(extract(month from date_day) as integer) as month,
        cast(extract(isodow from date_day) as integer) as weekday,
        -- A school year starts in September.
        cast(extract(year from date_day) as integer)
        - case when extract(month from date_day) < 9 then 1 else 0 end as school_year_from
    from day
)

select
    date_day,
    year,
    quarter,
    month,
    weekday,
    school_year_from,
    cast(school_year_from as text) || '/' || cast(school_year_from + 1 as text) as school_year
from final
