select
    short_code,
    title_ru,
    sort_order
from {{ ref('subject') }}
