{{ config(materialized='view') }}

with programme as (
    select * from {{ ref('programme') }}
),

named as (
    {%- for column in ['programme_code', 'title', 'short_title'] %}
        select
            programme_code,
            {{ fold_name(column) }} as name_folded
        from programme
        {{ 'union' if not loop.last }}
    {%- endfor %}
),

-- Two programmes of one title are told apart by their codes alone.
final as (
    select
        name_folded,
        min(programme_code) as programme_code
    from named
    where name_folded <> ''
    group by name_folded
    having count(distinct programme_code) = 1
)

select * from final
