{#- One row per procedure and scale: from which score each mark starts, and for which years the scale holds. -#}
{{ config(materialized='table') }}

with scale as (
    select
        procedure_code,
        year_from,
        max(case when mark = 2 then score_from end) as mark_2_from,
        max(case when mark = 2 then score_to end) as mark_2_to,
        max(case when mark = 3 then score_from end) as mark_3_from,
        max(case when mark = 4 then score_from end) as mark_4_from,
        max(case when mark = 5 then score_from end) as mark_5_from
    from {{ ref('mark_scale') }}
    group by procedure_code, year_from
),

final as (
    select
        scale.*,
        -- A scale holds until a newer one replaces it.
        lead(year_from) over (partition by procedure_code order by year_from) - 1 as year_to
    from scale
)

select * from final
