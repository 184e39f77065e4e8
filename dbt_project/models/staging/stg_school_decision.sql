-- What people have decided about keys that the rules leave open: of each key the last decision, unless it takes back.
with numbered as (
    select
        *,
        row_number() over (
            partition by key_kind, school_key, municipality
            order by decision_id desc
        ) as recency
    from {{ source('ops', 'school_decision') }}
)

select
    key_kind,
    school_key,
    municipality,
    decision,
    target_key
from numbered
where recency = 1 and decision <> 'undone'
